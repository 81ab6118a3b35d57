import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { namespaceAllowed, secretNameAllowed } from '@cell/job';
import { type Outgoing, type SecretSchema, SecretService, type SetSecretRequest } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import { DEFAULT_NAMESPACE, type SecretRow, sealingKeyInForce, secretKey, secretPurpose } from '../model/identity.ts';
import type { Caller } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallContext, CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

const { method } = SecretService;

const valueBytesMax = 64 * 1024;

type Named = Pick<SecretRow, 'namespace' | 'name'>;

/** Secrets for jobs. No method gives a value. */
export function registerSecretService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, SecretService, {
    setSecret: calls.unary(method.setSecret, (request, context) => setSecret(parts, request, context)),
    listSecrets: calls.unary(method.listSecrets, async ({ namespace }, { caller, timeoutMs }) => {
      if (namespace !== '') checkNamespace(caller, namespace);
      const state = await readState(parts, false, timeoutMs);
      return { secrets: listSecrets(state, namespace === '' ? limitOf(caller) : namespace) };
    }),
    removeSecret: calls.unary(method.removeSecret, async (request, context) => {
      const named = readName(request, context.caller);
      const audit = context.note(`secret/${secretKey(named)}`);
      const command = { kind: 'remove-secret', timeMs: parts.clock.wallMs(), ...named, audit } as const;
      await submitCommand(parts, command, context.timeoutMs);
      return {};
    }),
  });
}

async function setSecret(parts: MadeParts, request: SetSecretRequest, context: CallContext) {
  const named = readName(request, context.caller);
  const sizeBytes = request.value.length;
  if (sizeBytes === 0) throw new CellError('CELL_E_INVALID', `Secret "${named.name}" has no value`);
  if (sizeBytes > valueBytesMax) {
    const message = `The value of secret "${named.name}" has ${sizeBytes} bytes of at most ${valueBytesMax}`;
    throw new CellError('CELL_E_LIMIT', message);
  }
  const audit = context.note(`secret/${secretKey(named)}`);
  // By the state, which the vault follows a little later.
  const keyId = sealingKeyInForce(parts.consensus.state.authorities);
  const sealed = parts.vault.seal(request.value, secretPurpose(named), keyId);
  const secret = { ...named, sealed, sizeBytes, changedBy: audit.actor };
  await submitCommand(parts, { kind: 'set-secret', timeMs: parts.clock.wallMs(), secret, audit }, context.timeoutMs);
  const { state } = parts.consensus;
  const row = state.secrets.get(secretKey(named));
  return row === undefined ? {} : { secret: secretToProto(row, jobsBySecret(state).get(secretKey(row))) };
}

function listSecrets(state: FleetState, namespace: string | undefined): Outgoing<typeof SecretSchema>[] {
  const users = jobsBySecret(state);
  return [...state.secrets.values()]
    .filter((row) => namespace === undefined || row.namespace === namespace)
    .sort((one, other) => (secretKey(one) < secretKey(other) ? -1 : 1))
    .map((row) => secretToProto(row, users.get(secretKey(row))));
}

/** Names of the jobs whose newest version names a secret, by its key; stopped jobs left out. */
function jobsBySecret(state: FleetState): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const { name: job, spec, stopped } of state.jobs.values()) {
    if (stopped) continue;
    for (const name of new Set(Object.values(spec.secrets))) {
      const key = secretKey({ namespace: spec.namespace, name });
      const jobs = users.get(key);
      if (jobs === undefined) users.set(key, [job]);
      else jobs.push(job);
    }
  }
  return users;
}

function secretToProto(row: SecretRow, jobs: readonly string[] = []): Outgoing<typeof SecretSchema> {
  const { namespace, name, version, sizeBytes, changedAtMs, changedBy } = row;
  const changed = { changedAt: timestampFromMs(changedAtMs), changedBy };
  return { namespace, name, version, sizeBytes, ...changed, jobs: [...jobs].sort() };
}

/** Throws `CELL_E_INVALID`, and `CELL_E_FORBIDDEN` for a namespace that is not the caller's. */
function readName(said: Named, caller: Caller): Named {
  const namespace = said.namespace || limitOf(caller) || DEFAULT_NAMESPACE;
  checkName('Namespace', namespace, namespaceAllowed(namespace));
  checkName('Secret', said.name, secretNameAllowed(said.name));
  checkNamespace(caller, namespace);
  return { namespace, name: said.name };
}

function checkName(what: string, name: string, allowed: string | undefined): void {
  if (allowed === undefined) return;
  throw new CellError('CELL_E_INVALID', `${what} can't be called "${name.slice(0, 80)}", but ${allowed}`);
}

function checkNamespace(caller: Caller, namespace: string): void {
  const limit = limitOf(caller);
  if (limit === undefined || limit === namespace) return;
  const message = `This token is for namespace "${limit}" only, not for "${namespace}"`;
  throw new CellError('CELL_E_FORBIDDEN', message);
}

/** The only namespace that the caller sees; undefined: all. Only people come here at all; others would see none. */
function limitOf(caller: Caller): string | undefined {
  return caller.kind === 'person' ? caller.namespace : '';
}
