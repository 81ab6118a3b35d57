import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { AllocationService, JobService, methodDefinition } from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OPEN_GUARD_TOKEN } from '../access/testing/open-guard.ts';
import { PaperMember } from './testing/paper-member.ts';

/** As many calls as a member serves at once. */
const CALLS = 2_000;
/** Until all of them are served, on a machine that has other things to do. */
const FILLED_MS_MAX = 40_000;

/** A message without fields, with gRPC's own five bytes before it. */
const NOTHING = Buffer.alloc(5);

let member: PaperMember;
let reader: ClientHttp2Session;

beforeEach(async () => {
  member = await PaperMember.start();
  const address = member.client.getChannel().getTarget().replace('dns:', 'http://');
  // It lets nothing of any answer come.
  reader = connect(address, { settings: { initialWindowSize: 0 } });
  await once(reader, 'remoteSettings');
});

afterEach(() => {
  reader.destroy();
  return member.stop();
});

function ask(token: string, refused: (code: string) => void = () => {}): void {
  const path = methodDefinition(JobService.method.listJobs).path;
  const coming = { 'content-type': 'application/grpc', te: 'trailers', [OPEN_GUARD_TOKEN]: token };
  const headers = { ':method': 'POST', ':path': path, ...coming };
  const stream = reader.request(headers);
  stream.on('error', () => {});
  stream.on('response', ({ 'cell-error-code': code }) => {
    if (code !== undefined) refused(String(code));
  });
  stream.end(NOTHING);
}

test('answers that nobody reads count as calls under way: no more than a member serves are kept', async () => {
  for (let count = 0; count < CALLS; count += 1) ask(`token-${count % 4}`);
  const asked = () =>
    member.call(AllocationService.method.listAllocations, {}).then(
      () => 'answered',
      (error: { code: string }) => error.code,
    );
  await expect.poll(asked, { timeout: FILLED_MS_MAX }).toBe('CELL_E_OVERLOADED');
  reader.destroy();
  await expect.poll(asked).toBe('answered');
});

test('who reads none of his answers takes no room but his own', async () => {
  const refused = new Promise<string>((resolve) => {
    for (let count = 0; count < CALLS; count += 1) ask('greedy', resolve);
  });
  expect(await refused).toBe('CELL_E_OVERLOADED');
  await member.call(AllocationService.method.listAllocations, {});
});
