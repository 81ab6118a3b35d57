/** Another key for what is stored sealed: all members get it, then everything is sealed with it. */
import type { Outgoing, RotateKeyResponseSchema } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import {
  type AuthorityRow,
  authorityPurpose,
  type Sealed,
  type SecretRow,
  sealingKeyInForce,
  sealingKeyOf,
  secretPurpose,
} from '../model/identity.ts';
import type { MemberAddress, SealingKey } from '../ports.ts';
import type { Reseal } from '../state/commands.ts';
import { readState, submitCommand } from './read-state.ts';
import type { CallContext } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

const sendTimeoutMs = 5_000;
/** Of sealed text in one command. */
const batchBytesMax = 1024 * 1024;
/** Several times what the largest table needs: what is changed while it is sealed anew comes again. */
const batchesMax = 1_000;

export class KeyRotation {
  readonly #parts: MadeParts;
  #running = false;

  constructor(parts: MadeParts) {
    this.#parts = parts;
  }

  /**
   * Every member must have the key before anything is sealed with it: if one does not answer, nothing is changed. With
   * the authorities all members change over; the key before stays in their keyrings, since older snapshots, logs and
   * backups have values that are sealed with it.
   */
  async run(context: CallContext): Promise<Outgoing<typeof RotateKeyResponseSchema>> {
    if (this.#running) {
      throw new CellError(
        'CELL_E_CONFLICT',
        'The key is being changed already; wait for it, then look with "cellctl ca status"',
      );
    }
    this.#running = true;
    try {
      await readState(this.#parts, false, context.timeoutMs);
      const key = this.#parts.vault.makeKey();
      await this.#send(key);
      return { keyId: key.id, sealed: await this.#sealAll(key.id, context) };
    } finally {
      this.#running = false;
    }
  }

  async #send(key: SealingKey): Promise<void> {
    const { peers } = this.#parts;
    const members = this.#members();
    const sent = members.map(({ id }) => peers.sendKey(id, key, sendTimeoutMs));
    const outcomes = await Promise.allSettled(sent);
    const failed = members.flatMap(({ id }, place) => {
      const outcome = outcomes[place]!;
      return outcome.status === 'rejected' ? [{ id, cause: outcome.reason as Error & { code?: unknown } }] : [];
    });
    const [first] = failed;
    if (first === undefined) return;
    const who = failed.map(({ id }) => id).join(' and ');
    const away = failed.find(({ cause }) => cause.code === 'CELL_E_PEER_UNREACHABLE');
    const advice =
      away === undefined
        ? 'Mend that, and say this again'
        : `Start "cell-control-plane" there and say this again, or remove what will not come back with "cellctl ` +
          `control-plane remove ${away.id}"`;
    const message =
      `The key was not changed, since all members must have the new one, and member ${who} did not get it: ` +
      `${failed.map(({ cause }) => cause.message).join('; ')}. ${advice}`;
    throw new CellError('CELL_E_PEER_UNREACHABLE', message, { cause: first.cause });
  }

  /** Those that the state names: one that only says that it is a member, by a stolen authority's key, gets none. */
  #members(): readonly MemberAddress[] {
    const { peers, consensus } = this.#parts;
    const { members } = consensus.state;
    return members.size === 0 ? peers.members : peers.members.filter(({ id }) => members.has(id));
  }

  /** Gives how many values were sealed, once no value in the state of the cluster is sealed with a key before. */
  async #sealAll(keyId: string, context: CallContext): Promise<number> {
    const former = sealingKeyInForce(this.#parts.consensus.state.authorities);
    let sealed = 0;
    for (let batches = 0; batches < batchesMax; batches += 1) {
      const batch = this.#nextBatch(keyId) ?? (await this.#missedBatch(keyId, context));
      if (batch === undefined) return sealed;
      this.#checkNotOvertaken(keyId, former);
      // The first one tells who asked; the others belong to it.
      const audit = batches === 0 ? context.note(`key/${keyId}`) : undefined;
      const command = { kind: 'reseal', timeMs: this.#parts.clock.wallMs(), ...batch, audit } as const;
      await submitCommand(this.#parts, command, context.timeoutMs);
      sealed += batch.secrets.length + batch.authorities.length;
    }
    const message = `Values were changed all the time while they were sealed with key "${keyId}"; do it again`;
    throw new CellError('CELL_E_CONFLICT', message);
  }

  /** What this member did not know of yet. */
  async #missedBatch(keyId: string, { timeoutMs }: CallContext) {
    await readState(this.#parts, false, timeoutMs);
    return this.#nextBatch(keyId);
  }

  /** Two that change the key at the same time would undo what the other did, without end. */
  #checkNotOvertaken(keyId: string, former: string | undefined): void {
    const inForce = sealingKeyInForce(this.#parts.consensus.state.authorities);
    if (inForce === former || inForce === keyId) return;
    const message =
      `The key "${inForce}" of another change, which another member makes at the same time, is in force, and not ` +
      `"${keyId}"; wait for it, then look with "cellctl ca status"`;
    throw new CellError('CELL_E_CONFLICT', message);
  }

  /** What is sealed with another key; authorities first, so that members seal new values with this one. */
  #nextBatch(keyId: string): Pick<Reseal, 'secrets' | 'authorities'> | undefined {
    const { state } = this.#parts.consensus;
    const authorities = state.authorities.filter(({ sealedKey }) => sealingKeyOf(sealedKey) !== keyId);
    if (authorities.length > 0) {
      return { secrets: [], authorities: authorities.map((row) => this.#authority(row, keyId)) };
    }
    const secrets: Reseal['secrets'][number][] = [];
    let bytes = 0;
    for (const row of state.secrets.values()) {
      if (sealingKeyOf(row.sealed) === keyId) continue;
      bytes += row.sealed.length;
      if (bytes > batchBytesMax && secrets.length > 0) break;
      secrets.push(this.#secret(row, keyId));
    }
    return secrets.length === 0 ? undefined : { secrets, authorities: [] };
  }

  #authority({ id, sealedKey, modifyIndex }: AuthorityRow, keyId: string): Reseal['authorities'][number] {
    return { id, sealedKey: this.#seal(sealedKey, authorityPurpose(id), keyId), modifyIndex };
  }

  #secret(row: SecretRow, keyId: string): Reseal['secrets'][number] {
    const { namespace, name, sealed, modifyIndex } = row;
    return { namespace, name, sealed: this.#seal(sealed, secretPurpose(row), keyId), modifyIndex };
  }

  #seal(sealed: Sealed, purpose: string, keyId: string): Sealed {
    const { vault } = this.#parts;
    return vault.seal(vault.open(sealed, purpose), purpose, keyId);
  }
}
