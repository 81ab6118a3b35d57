/** Why somebody was not let in, as the audit log has it: what the status of the fleet tells people. */
import { makeToken, tokenText } from '@cell/identity';
import { AgentService, JobService } from '@cell/proto';
import { expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { HOUR_MS, PaperAccess, RENEW_WITHIN_MS } from './testing/paper-access.ts';

const { listJobs } = JobService.method;
const node = { subject: { kind: 'node', id: 'n1' } } as const;
const unknown = tokenText(makeToken('access', 'ab'.repeat(32)));

test('why somebody was not let in is in the audit log, also of certificates that are no good', async () => {
  const paper = PaperAccess.started();
  const { session } = AgentService.method;
  const write = (command: Parameters<typeof paper.consensus.write>[0]) => paper.consensus.write(command);
  const soon = paper.clock.wallMs() + HOUR_MS;
  const brief = paper.token('viewer', { name: 'brief', expiresAtMs: soon });
  const untrusted = new CellError('CELL_E_UNAUTHENTICATED', 'Of another', { refusal: 'certificate-untrusted' });
  paper.said(listJobs, { token: unknown });
  paper.said(listJobs, { token: 'cellkey_x' });
  paper.said(session, { ...node, validMs: -RENEW_WITHIN_MS });
  paper.said(session, { fault: untrusted });
  paper.said(session, { fault: untrusted, address: '[fd00::1]' });
  write({ kind: 'revoke-node', timeMs: 0, id: 'n1' });
  paper.said(session, node);
  await paper.clock.advance(HOUR_MS);
  paper.said(listJobs, { token: brief });
  await paper.clock.advance(1_000);
  expect(paper.audit()).toEqual([
    'nobody JobService/ListJobs why/token-unknown from 10.0.0.9: CELL_E_UNAUTHENTICATED',
    'nobody JobService/ListJobs why/token-malformed from 10.0.0.9: CELL_E_UNAUTHENTICATED',
    'nobody AgentService/Session why/certificate-ended from 10.0.0.9: CELL_E_UNAUTHENTICATED',
    'nobody AgentService/Session why/certificate-untrusted from 10.0.0.9: CELL_E_UNAUTHENTICATED',
    'nobody AgentService/Session why/certificate-untrusted from fd00::1: CELL_E_UNAUTHENTICATED',
    'nobody AgentService/Session why/node-revoked from 10.0.0.9: CELL_E_UNAUTHENTICATED',
    'nobody JobService/ListJobs why/token-ended from 10.0.0.9: CELL_E_UNAUTHENTICATED',
  ]);
  expect(paper.lines.at(-1)).toMatchObject({
    subject: 'why/token-ended',
    msg: 'nobody from 10.0.0.9: JobService/ListJobs: CELL_E_UNAUTHENTICATED (token-ended)',
  });
  expect(await paper.metric('cell_authentication_failures_total')).toEqual({ token: 3, certificate: 4 });
});
