/** What a member knows of itself before it reads its log: `identity.json` in its data folder. Pure. */
import { createHash } from 'node:crypto';
import { CellError } from '../cell-error.ts';
import type { KnownMember } from '../consensus/peers/member-directory.ts';

const FORMAT = 1;
const TEXT_BYTES_MAX = 64 * 1024;

export interface MemberIdentity {
  /** Raft id. */
  readonly memberId: number;
  /** Name of the cluster, from the configuration. */
  readonly cluster: string;
  /** The random name that the member gave itself when its data folder was empty. It is lost with the data. */
  readonly incarnation: string;
  /** Random; empty until the member is in a cluster. */
  readonly clusterId: string;
  /** Ids of clusters that this one was recovered from, the oldest first. */
  readonly formerClusterIds: readonly string[];
  /** founded: its log begins with the founders as voters. admitted: it begins empty. none: it is in no cluster yet. */
  readonly origin: 'none' | 'founded' | 'admitted';
  /** Who was there when it entered the cluster, itself included; empty before. */
  readonly members: readonly KnownMember[];
  /** It has a log, and may have voted: without that log it must not take part again. Written before it takes part. */
  readonly logMade: boolean;
  /** It was taken out of the cluster, for ever. */
  readonly removed: boolean;
  /** While a recovery puts its new log in place: what the old log's folder is called afterwards. Else empty. */
  readonly retiredLog: string;
}

/** Of an empty data folder. */
export function newIdentity(memberId: number, cluster: string, incarnation: string): MemberIdentity {
  return {
    memberId,
    cluster,
    incarnation,
    clusterId: '',
    formerClusterIds: [],
    origin: 'none',
    members: [],
    logMade: false,
    removed: false,
    retiredLog: '',
  };
}

export function renderIdentity(identity: MemberIdentity): string {
  const content = JSON.stringify(identity);
  return `{"format":${FORMAT},"checksum":"${checksumOf(content)}","content":${content}}\n`;
}

/** Throws `CELL_E_IDENTITY_DAMAGED`; `file` is for its message. */
export function parseIdentity(text: string, file: string): MemberIdentity {
  if (text.length > TEXT_BYTES_MAX) throw damaged(file, `it is longer than ${TEXT_BYTES_MAX} bytes`);
  let found: { format?: unknown; checksum?: unknown; content?: unknown };
  let own: string;
  try {
    found = { ...(JSON.parse(text) as object) };
    // Text can be nested more deeply than it can be written again.
    own = checksumOf(JSON.stringify(found.content));
  } catch (error) {
    throw damaged(file, text === '' ? 'it is empty' : 'it is cut off or was changed', error);
  }
  if (found.format !== FORMAT) throw damaged(file, `its format "${String(found.format)}" is not known here`);
  const { content } = found;
  if (found.checksum !== own) throw damaged(file, 'its checksum does not fit');
  // Written by this program, as the checksum says.
  return content as MemberIdentity;
}

/** Throws `CELL_E_FOREIGN_DATA` if the data is another member's, and `CELL_E_REMOVED` if the member was taken out. */
export function checkIdentity(identity: MemberIdentity, memberId: number, cluster: string, folder: string): void {
  if (identity.memberId !== memberId || identity.cluster !== cluster) {
    const named = identity.clusterId === '' ? '' : ` (id "${identity.clusterId}")`;
    throw new CellError(
      'CELL_E_FOREIGN_DATA',
      `Data folder "${folder}" belongs to member "${identity.memberId}" of cluster "${identity.cluster}"${named}, but ` +
        `the configuration is for member "${memberId}" of cluster "${cluster}". Correct "id", "cluster" or "data" there` +
        // Whoever has just corrected the configuration of a member that never started is not to be stuck with it.
        (identity.clusterId === ''
          ? '. It is in no cluster yet: if the configuration is right, remove the folder'
          : ''),
    );
  }
  if (!identity.removed) return;
  throw new CellError(
    'CELL_E_REMOVED',
    `Member "${memberId}" was removed from cluster "${cluster}" and does not come back with the data in "${folder}". ` +
      'To use the machine again, add it with an id that was never used and an empty data folder',
  );
}

function checksumOf(content: string | undefined): string {
  return createHash('sha256').update(String(content)).digest('hex').slice(0, 32);
}

function damaged(file: string, what: string, cause?: unknown): CellError {
  const advice =
    'Put the file back; if it is lost, remove this member and add it with an id that was never used and an empty folder';
  return new CellError('CELL_E_IDENTITY_DAMAGED', `Cannot use identity file "${file}": ${what}. ${advice}`, { cause });
}
