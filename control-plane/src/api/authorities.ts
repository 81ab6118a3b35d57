/** The certificate authorities, for people: how they are, and how another one takes over. */
import { X509Certificate } from 'node:crypto';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { pinOf } from '@cell/identity';
import type { AuthoritySchema, Outgoing, RotateAuthorityResponseSchema } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { AuthorityRow, NodeIdentityRow } from '../model/identity.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallContext } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

type SaidAuthority = Outgoing<typeof AuthoritySchema>;

/** Nodes that are named of each authority. */
const namesMax = 10;

/** The newest last; that is the one that issues. */
export function authoritiesToProto(state: FleetState): SaidAuthority[] {
  const identities = [...state.nodeIdentities.values()].filter(({ revokedAtMs }) => revokedAtMs === undefined);
  return state.authorities.map((row, place) => {
    const nodes = identities.filter(({ authorityId }) => authorityId === row.id);
    return authorityToProto(row, place === state.authorities.length - 1, nodes, state);
  });
}

function authorityToProto(
  { id, certificate, createdAtMs }: AuthorityRow,
  issuing: boolean,
  identities: readonly NodeIdentityRow[],
  state: FleetState,
): SaidAuthority {
  const parsed = new X509Certificate(certificate);
  const names = identities.map(({ nodeId, name }) => state.nodes.get(nodeId)?.name ?? name).sort();
  return {
    id,
    pin: pinOf(parsed),
    issuing,
    createdAt: timestampFromMs(createdAtMs),
    expiresAt: timestampFromMs(parsed.validToDate.getTime()),
    nodes: names.length,
    nodeNames: names.slice(0, namesMax),
    certificate,
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
  checkNoRotation(await readState(parts, false, timeoutMs));
  const { after, authority } = await parts.issuer.successor();
  const audit = context.note(`authority/${authority.id}`);
  const command = { kind: 'rotate-authority', timeMs: parts.clock.wallMs(), after, authority, audit } as const;
  await submitCommand(parts, command, timeoutMs);
  const said = authoritiesToProto(parts.consensus.state).find(({ id }) => id === authority.id);
  return said === undefined ? {} : { authority: said };
}

function checkNoRotation(state: FleetState): void {
  const [old] = state.authorities;
  if (old === undefined || state.authorities.length === 1) return;
  const left = authoritiesToProto(state)[0]!.nodes ?? 0;
  const message =
    `Authority "${old.id}" is being replaced already, and ${left} nodes still have certificates from it. Wait for ` +
    'them ("cellctl ca show" counts them), or end it with "cellctl ca retire"';
  throw new CellError('CELL_E_CONFLICT', message);
}
