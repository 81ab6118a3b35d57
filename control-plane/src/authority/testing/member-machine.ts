/** A machine's data folder in tests, and what its member keeps of the authorities there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AuthorityRow } from '../../model/identity.ts';
import type { Clock } from '../../ports.ts';
import type { NewAuthority } from '../../state/commands.ts';
import { Authority } from '../authority.ts';
import { type AuthorityPlaces, authorityPlaces } from '../authority-folder.ts';
import { type InitializeParts, initialize } from '../initialize.ts';

export const DAY_MS = 24 * 3_600_000;
export const quietLog = pino({ level: 'silent' });

export interface MemberMachine {
  /** The member's data folder. */
  readonly data: string;
  readonly places: AuthorityPlaces;
  readonly init: (parts?: Partial<InitializeParts>) => ReturnType<typeof initialize>;
  /** `memberId` defaults to 1. */
  readonly open: (memberId?: number, lifetimeMs?: number) => Promise<Authority>;
  readonly remove: () => void;
}

export function makeMachine(clock: Clock): MemberMachine {
  const data = mkdtempSync(join(tmpdir(), 'cell-authority-'));
  const places = authorityPlaces(data);
  const opened: Authority[] = [];
  return {
    data,
    places,
    init: (parts = {}) =>
      initialize({ ...places, cluster: 'demo', memberId: 1, memberIds: [1, 2, 3], clock, ...parts }),
    async open(memberId = 1, lifetimeMs = DAY_MS) {
      const authority = await Authority.open({ ...places, memberId, clock, lifetimeMs, log: quietLog });
      opened.push(authority);
      return authority;
    },
    remove() {
      for (const authority of opened) authority.stop();
      rmSync(data, { recursive: true });
    },
  };
}

/** As the state would have them. */
export function rowsOf(...authorities: readonly NewAuthority[]): readonly AuthorityRow[] {
  return authorities.map((authority, place) => ({ ...authority, createdAtMs: place, modifyIndex: place }));
}
