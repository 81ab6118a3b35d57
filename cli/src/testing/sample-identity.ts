/** Answers about who is who, with names as long as they may be. */
import { auditHash } from '@cell/identity/audit';
import { Role } from '@cell/sdk';
import type { FakeHandlers } from '@cell/sdk/testing';
import { NOW_MS, secondsAgo } from './run-cellctl.ts';

const LONG_NAME = 'deploys-of-the-frontend-team-from-the-pipeline-in-building-4-01';

const tokens = [
  { id: '5e3gxpkxrj', name: 'admin', role: Role.ADMIN, createdAt: secondsAgo(90_000), createdBy: 'member/1' },
  {
    id: '2c4vdjmeua',
    name: LONG_NAME,
    role: Role.OPERATOR,
    namespace: 'frontend-of-all-shops',
    createdAt: secondsAgo(60),
    createdBy: 'token/admin (5e3gxpkxrj)',
    expiresAt: secondsAgo(-86_400 * 90),
  },
  {
    id: 'abcdefghij',
    name: 'join',
    role: Role.AGENT,
    expiresAt: secondsAgo(5),
    createdAt: secondsAgo(3_605),
    usesLeft: 3,
  },
  {
    id: 'bbcdefghij',
    name: 'cp',
    role: Role.CONTROL_PLANE,
    expiresAt: secondsAgo(-60),
    createdAt: secondsAgo(1),
    usesLeft: 1,
  },
];

const entry = (sequence: number, what: Partial<ReturnType<typeof plainEntry>>) => ({
  ...plainEntry(sequence),
  ...what,
});

function plainEntry(sequence: number) {
  return {
    sequence,
    timeMs: NOW_MS - 60_000 + sequence,
    index: 100 + sequence,
    actor: `token/${LONG_NAME} (2c4vdjmeua)`,
    method: 'JobService/SubmitJob',
    subject: `job/${LONG_NAME}`,
    from: '10.0.0.17',
    outcome: 'ok',
    count: 1,
  };
}

/** The hash before is that of an entry that is not kept any more. */
export const AUDIT_ANCHOR = 'ab'.repeat(32);

/** Each with its hash, from number 41 on. */
export const auditEntries = chained([
  entry(41, { method: 'ControlPlaneService/TransferLeadership', subject: 'member/2' }),
  entry(42, {}),
  entry(43, {
    actor: 'nobody',
    method: 'FleetService/GetFleetStatus',
    outcome: 'CELL_E_UNAUTHENTICATED',
    count: 1_204,
  }),
]);

function chained(entries: readonly ReturnType<typeof plainEntry>[]) {
  let hash = AUDIT_ANCHOR;
  return entries.map((each) => {
    hash = auditHash(hash, each);
    return { ...each, hash };
  });
}

export const sentEntries = auditEntries.map((each) => ({
  ...each,
  sequence: BigInt(each.sequence),
  timeMs: BigInt(each.timeMs),
  index: BigInt(each.index),
}));

export const identityHandlers: FakeHandlers = {
  getCaller: () => ({
    token: tokens[1],
    cluster: 'demo',
    controlPlaneAddresses: ['10.0.0.1:7600', '10.0.0.2:7600', 'control-plane-3.building-4.example.com:7600'],
    certificateExpiresAt: secondsAgo(-3_600),
  }),
  listTokens: () => ({ tokens }),
  listSecrets: () => ({
    secrets: [
      {
        namespace: 'frontend-of-all-shops',
        name: LONG_NAME,
        version: 12,
        sizeBytes: 65_536,
        changedAt: secondsAgo(400),
        changedBy: 'token/admin (5e3gxpkxrj)',
        jobs: ['web', LONG_NAME],
      },
      { namespace: 'default', name: 'old', version: 1, sizeBytes: 12, changedAt: secondsAgo(90_000) },
    ],
  }),
  getAuthorities: () => ({
    authorities: [
      {
        id: '3f2ee3f7f12da975',
        pin: '3f2ee3f7f12da975'.repeat(4),
        createdAt: secondsAgo(86_400 * 400),
        expiresAt: secondsAgo(-86_400 * 3_250),
        nodes: 12,
        nodeNames: ['node-1', 'node-2'],
        retiresAt: secondsAgo(-82_800),
        tokens: 4,
      },
      {
        id: '9a2ee3f7f12da975',
        pin: '9a2ee3f7f12da975'.repeat(4),
        issuing: true,
        createdAt: secondsAgo(60),
        expiresAt: secondsAgo(-86_400 * 3_650),
      },
    ],
    keyId: '3405f9c596e35187',
  }),
  listAudit: async function* () {
    yield { entries: sentEntries.slice(0, 2), anchor: AUDIT_ANCHOR };
    yield { entries: sentEntries.slice(2) };
  },
};
