/** Sessions over TLS: whom an agent talks to, and how it goes over to another certificate. */
import { channelCredentials } from '@cell/identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeAuthority } from '../identity/testing/fake-authority.ts';
import type { LinkSecurity } from '../ports.ts';
import { realClock } from '../real-clock.ts';
import { silentLog } from '../testing/silent-log.ts';
import { until } from '../testing/until.ts';
import type { SessionHandler } from './session.ts';
import { SessionLink, type SessionLinkOptions } from './session-link.ts';
import { FakeMember } from './testing/fake-member.ts';

let transcript: string[];
let authority: FakeAuthority;
let members: FakeMember[];
let link: SessionLink | undefined;

beforeEach(() => {
  transcript = [];
  authority = new FakeAuthority();
  members = [];
});
afterEach(async () => {
  await link?.close();
  link = undefined;
  for (const member of members) member.close();
});

async function listening(credentials = authority.credentials('cell:member:1')): Promise<FakeMember> {
  const member = new FakeMember('member', transcript, credentials);
  await member.listen();
  members.push(member);
  return member;
}

const handler: SessionHandler = {
  introduction: () => ({
    nodeId: 'n1',
    nodeName: 'node-1',
    agentVersion: '1',
    inventory: {
      cpuMillis: 1,
      memoryMib: 1,
      diskFreeMib: 1,
      address: '127.0.0.1',
      portFirst: 1,
      portLast: 2,
      capabilities: [],
      attributes: {},
      runtime: 'memory',
    },
    httpAddress: '',
    generation: 0,
    clusterId: '',
    allocations: [],
  }),
  vitalSigns: () =>
    Promise.resolve({ health: { load: 0, memoryAvailableBytes: 0, diskFreeBytes: 0 }, usage: new Map() }),
  welcomed: () => undefined,
  confirmed: () => undefined,
  desired: () => Promise.resolve(),
  openLogs: () => undefined,
  openExec: () => undefined,
  trust: () => undefined,
};

function securityOf(subject: string, trusted = authority): LinkSecurity {
  const credentials = authority.credentials(subject);
  return { credentials: () => channelCredentials({ trust: [trusted.certificate], credentials }) };
}

function connect(member: FakeMember, change: Partial<SessionLinkOptions> = {}): SessionLink {
  const options = { addresses: [member.address], handler, clock: realClock, random: () => 0, log: silentLog };
  link = new SessionLink({ ...options, security: securityOf('cell:node:n1'), ...change });
  link.start();
  return link;
}

const beats = (): number => transcript.filter((line) => line === 'member: heartbeat 1').length;

test('a session comes about with a member that both sides can prove', async () => {
  connect(await listening());
  await until(() => beats() === 1 || undefined);
});

test.each([
  [
    'of another cluster',
    () => new FakeAuthority().credentials('cell:member:1'),
    'is not of the cluster that is trusted',
  ],
  ['that is a node', () => authority.credentials('cell:node:n2'), 'is not the member that was called'],
  [
    'whose certificate has ended',
    () => authority.credentials('cell:member:1', { fromMs: Date.now() - 90_000, untilMs: Date.now() - 60_000 }),
    'has a certificate that has ended',
  ],
  [
    'whose certificate is not good yet',
    () => authority.credentials('cell:member:1', { fromMs: Date.now() + 60_000, untilMs: Date.now() + 90_000 }),
    'the clocks differ by more than 5 minutes',
  ],
])('a member %s is told nothing, and why is said', async (_who, credentials, why) => {
  connect(await listening(credentials()));
  await until(() => link?.problem.includes(why) || undefined);
  expect(transcript).toEqual([]);
});

test('a member that does not take the certificate is told of, each time', async () => {
  const member = await listening();
  member.admits = () => false;
  let told = 0;
  connect(member, { onUnauthenticated: () => (told += 1) });
  await until(() => told === 2 || undefined);
  expect(transcript).not.toContain('member: heartbeat 1');
});

test('going over to another certificate is one new session, dialled with it', async () => {
  const member = await listening();
  let security = securityOf('cell:node:n1');
  connect(member, { security: { credentials: () => security.credentials() } });
  await until(() => beats() === 1 || undefined);
  member.admits = (caller) => caller === 'n2';
  security = securityOf('cell:node:n2');
  link?.redial(60_000);
  await until(() => beats() === 2 || undefined);
  expect(transcript.filter((line) => line.includes('refuses'))).toEqual([]);
});

test('going over waits for streams that would break off, but not for ever', async () => {
  let streams = 1;
  connect(await listening(), { streams: () => streams });
  await until(() => beats() === 1 || undefined);
  link?.redial(60_000);
  expect(link?.connected).toBe(true);
  link?.redial(0);
  expect(link?.connected).toBe(false);
  await until(() => beats() === 2 || undefined);
  streams = 0;
  link?.redial(60_000);
  expect(link?.connected).toBe(false);
});
