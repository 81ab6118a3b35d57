/** The certificate authorities, for people: how they are, and how another one takes over. */
import { X509Certificate } from 'node:crypto';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { pinOf } from '@cell/identity';
import type { AuthoritySchema, Outgoing, RotateAuthorityResponseSchema } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { AuthorityRow, NodeIdentityRow } from '../model/identity.ts';
import { retiresAtMs, tokensPinning } from '../plan/replaced-authorities.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallContext } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

type SaidAuthority = Outgoing<typeof AuthoritySchema>;

/** Nodes that are named of each authority. */
const namesMax = 10;

type Judging = Pick<MadeParts, 'clock' | 'certificateLifetimeMs'>;

/** The newest last; that is the one that issues. */
export function authoritiesToProto(state: FleetState, judging: Judging): SaidAuthority[] {
  const identities = [...state.nodeIdentities.values()].filter(({ revokedAtMs }) => revokedAtMs === undefined);
  return state.authorities.map((row) => {
    const nodes = identities.filter(({ authorityId }) => authorityId === row.id);
    return authorityToProto(row, nodes, state, judging);
  });
}

function authorityToProto(
  row: AuthorityRow,
  identities: readonly NodeIdentityRow[],
  state: FleetState,
  { clock, certificateLifetimeMs }: Judging,
): SaidAuthority {
  const { id, certificate, createdAtMs } = row;
  const retiresMs = retiresAtMs(state.authorities, row, certificateLifetimeMs);
  const parsed = new X509Certificate(certificate);
  const names = identities.map(({ nodeId, name }) => state.nodes.get(nodeId)?.name ?? name).sort();
  return {
    id,
    pin: pinOf(parsed),
    issuing: retiresMs === undefined,
    createdAt: timestampFromMs(createdAtMs),
    expiresAt: timestampFromMs(parsed.validToDate.getTime()),
    nodes: names.length,
    nodeNames: names.slice(0, namesMax),
    certificate,
    ...(retiresMs === undefined ? {} : { retiresAt: timestampFromMs(retiresMs) }),
    tokens: tokensPinning(state, row, clock.wallMs()).length,
  };
}

/** By its id or the unique beginning of it. */
export function findAuthority(state: FleetState, text: string): AuthorityRow {
  const found = text === '' ? [] : state.authorities.filter(({ id }) => id.startsWith(text.toLowerCase()));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const all = state.authorities.map(({ id }) => id).join(', ');
  const [code, what] =
    first === undefined
      ? (['CELL_E_NOT_FOUND', 'There is no authority'] as const)
      : (['CELL_E_AMBIGUOUS', 'There are several authorities that begin with'] as const);
  throw new CellError(code, `${what} "${text.slice(0, 80)}"; these are there: ${all}`);
}

/** One rotation at a time: each needs all nodes to come and renew. */
export async function rotateAuthority(
  parts: MadeParts,
  context: CallContext,
): Promise<Outgoing<typeof RotateAuthorityResponseSchema>> {
  const { timeoutMs } = context;
  checkNoRotation(await readState(parts, false, timeoutMs), parts);
  const { after, authority } = await parts.issuer.successor();
  const audit = context.note(`authority/${authority.id}`);
  const command = { kind: 'rotate-authority', timeMs: parts.clock.wallMs(), after, authority, audit } as const;
  await submitCommand(parts, command, timeoutMs);
  const said = authoritiesToProto(parts.consensus.state, parts);
  const made = said.find(({ id }) => id === authority.id);
  return made === undefined ? {} : { authority: made, replaced: said.filter(({ issuing }) => issuing !== true) };
}

function checkNoRotation(state: FleetState, judging: Judging): void {
  const [old] = state.authorities;
  if (old === undefined || state.authorities.length === 1) return;
  const left = authoritiesToProto(state, judging)[0]!.nodes ?? 0;
  const message =
    `Authority "${old.id}" is being replaced already, and ${left} nodes still have certificates from it. Wait for ` +
    'them ("cellctl ca status" counts them), or end it with "cellctl ca retire"';
  throw new CellError('CELL_E_CONFLICT', message);
}
