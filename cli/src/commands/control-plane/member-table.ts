import { type Member, MemberKind } from '@cell/sdk';
import type { Style, Tone } from '../../output/style.ts';
import { type Cell, type Column, renderTable } from '../../output/table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'MEMBER', align: 'right' },
  { title: 'ROLE' },
  { title: 'STATE' },
  { title: 'ADDRESS', widthMin: 14 },
  { title: 'MATCH', align: 'right' },
  { title: 'LAG', align: 'right' },
  { title: 'HEARD', align: 'right' },
  { title: 'DISK', align: 'right' },
  { title: 'AGENTS', align: 'right', wide: true },
  { title: 'TERM', align: 'right', wide: true },
  { title: 'APPLIED', align: 'right', wide: true },
  { title: 'COMMITTED', align: 'right', wide: true },
  { title: 'SNAPSHOT', align: 'right', wide: true },
  { title: 'DATA', align: 'right', wide: true },
  { title: 'VERSION', wide: true },
  { title: 'PEERS', wide: true },
  { title: 'HTTP', wide: true },
];

const BYTES_PER_MIB = 1024 * 1024;
const BYTES_PER_GIB = 1024 * BYTES_PER_MIB;

export function renderMembers(members: readonly Member[], style: Style): string {
  const rows = members.map((member): readonly Cell[] => {
    const known = (value: bigint | number | string) => (member.reachable ? String(value) : '-');
    return [
      String(member.id),
      { text: roleOf(member), tone: toneOf(member) },
      member.replication === '' ? '-' : member.replication,
      member.grpcAddress,
      String(member.matchIndex ?? '-'),
      String(member.lagEntries ?? '-'),
      member.lastContactMs === undefined ? '-' : contact(Number(member.lastContactMs)),
      { text: diskOf(member), tone: member.diskFull ? 'bad' : undefined },
      known(member.agentSessions),
      known(member.term),
      known(member.appliedIndex),
      known(member.commitIndex),
      known(member.snapshotIndex),
      known(`${(Number(member.dataBytes) / BYTES_PER_MIB).toFixed(1)} MiB`),
      known(member.version),
      member.peerAddress,
      member.httpAddress,
    ];
  });
  return renderTable(COLUMNS, rows, style);
}

/** What it is to the cluster comes before what it does, unless it votes. */
function roleOf({ kind, reachable, role }: Member): string {
  if (kind === MemberKind.INVITED) return 'invited';
  if (!reachable) return 'unreachable';
  return kind === MemberKind.LEARNER ? 'learner' : role;
}

function toneOf({ kind, reachable, role }: Member): Tone | undefined {
  if (kind === MemberKind.INVITED) return 'warning';
  if (!reachable) return 'bad';
  if (role === 'candidate') return 'warning';
  return role === 'leader' ? 'good' : undefined;
}

/** Time since the leader heard of it. */
function contact(agoMs: number): string {
  return agoMs < 1000 ? `${agoMs}ms` : `${Math.floor(agoMs / 1000)}s`;
}

function diskOf({ reachable, diskFull, diskFreeBytes }: Member): string {
  if (!reachable) return '-';
  if (diskFull) return 'full';
  if (diskFreeBytes === undefined) return '-';
  const bytes = Number(diskFreeBytes);
  return bytes < BYTES_PER_GIB
    ? `${Math.floor(bytes / BYTES_PER_MIB)} MiB`
    : `${Math.floor(bytes / BYTES_PER_GIB)} GiB`;
}
