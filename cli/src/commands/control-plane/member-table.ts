import type { Member } from '@cell/sdk';
import type { Style, Tone } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'MEMBER', align: 'right' },
  { title: 'ROLE' },
  { title: 'ADDRESS', widthMin: 14 },
  { title: 'TERM', align: 'right' },
  { title: 'APPLIED', align: 'right' },
  { title: 'AGENTS', align: 'right' },
  { title: 'VERSION', widthMin: 7, cut: 'end' },
  { title: 'COMMITTED', align: 'right', wide: true },
  { title: 'SNAPSHOT', align: 'right', wide: true },
  { title: 'DATA', align: 'right', wide: true },
  { title: 'PEERS', wide: true },
  { title: 'HTTP', wide: true },
];

const BYTES_PER_MIB = 1024 * 1024;

export function renderMembers(members: readonly Member[], style: Style): string {
  const rows = members.map((member) => {
    const known = (value: bigint | number | string) => (member.reachable ? String(value) : '-');
    return [
      String(member.id),
      { text: member.reachable ? member.role : 'unreachable', tone: toneOf(member) },
      member.grpcAddress,
      known(member.term),
      known(member.appliedIndex),
      known(member.agentSessions),
      known(member.version),
      known(member.commitIndex),
      known(member.snapshotIndex),
      known(`${(Number(member.dataBytes) / BYTES_PER_MIB).toFixed(1)} MiB`),
      member.peerAddress,
      member.httpAddress,
    ];
  });
  return renderTable(COLUMNS, rows, style);
}

function toneOf({ reachable, role }: Member): Tone | undefined {
  if (!reachable) return 'bad';
  if (role === 'candidate') return 'warning';
  return role === 'leader' ? 'good' : undefined;
}
