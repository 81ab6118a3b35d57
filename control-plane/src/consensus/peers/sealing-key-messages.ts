/** Keys for stored secrets, on their way between members. */
import type { Outgoing, SealingKeySchema, SealingKey as SentKey } from '@cell/proto';
import { CellError } from '../../cell-error.ts';
import type { SealingKey } from '../../ports.ts';

const KEY_BYTES = 32;
const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

export function sealingKeyToProto({ id, key, createdAtMs }: SealingKey): Outgoing<typeof SealingKeySchema> {
  return { id, key: new Uint8Array(key), createdAtMs: BigInt(createdAtMs) };
}

/** Throws `CELL_E_INVALID`, which never holds the key. */
export function sealingKeyFromProto(sent: SentKey | undefined): SealingKey {
  if (sent === undefined || sent.key.length !== KEY_BYTES || !ID_PATTERN.test(sent.id)) {
    throw new CellError('CELL_E_INVALID', `A key was sent that does not have an id and ${KEY_BYTES} bytes`);
  }
  return { id: sent.id, key: sent.key, createdAtMs: Number(sent.createdAtMs) };
}
