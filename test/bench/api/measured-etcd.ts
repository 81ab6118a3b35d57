import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../cluster/harness/free-ports.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { h2loadMissing, loadUnary } from './h2load.ts';
import { loadCounted, type MeasuredSystem } from './measured-system.ts';

const READY_MS_MAX = 20_000;
const STOP_MS_MAX = 5_000;
const ASK_MS_MAX = 5_000;

/**
 * `program`: etcd 3.4 or later. Default settings, synced, and TLS with certificates that it makes itself, for clients and
 * between its members, as ours have; it asks nobody who he is. Its gRPC messages are few, and coded by hand below.
 */
export async function startMeasuredEtcd(program: string, members: number, valueBytes: number): Promise<MeasuredSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'cell-bench-etcd-'));
  const ports = await freePorts(members * 2);
  const clients = ports.slice(0, members).map((port) => `127.0.0.1:${port}`);
  const peers = ports.slice(members).map((port) => `127.0.0.1:${port}`);
  const children = clients.map((client, place) => {
    const options = {
      name: `n${place}`,
      'data-dir': join(folder, `n${place}`),
      'listen-client-urls': `https://${client}`,
      'advertise-client-urls': `https://${client}`,
      'listen-peer-urls': `https://${peers[place]}`,
      'initial-advertise-peer-urls': `https://${peers[place]}`,
      'initial-cluster': peers.map((peer, other) => `n${other}=https://${peer}`).join(','),
      logger: 'zap',
      'log-level': 'error',
    };
    const parameters = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    parameters.push('--auto-tls', '--peer-auto-tls');
    // A session of its own, as our members have: Linux shares busy processors between sessions first.
    return spawn(program, parameters, { stdio: 'ignore', detached: true });
  });
  const stop = () => stopAll(children, folder);
  try {
    const leader = await waitFor(() => leaderOf(clients), { what: 'a leader of etcd', timeoutMs: READY_MS_MAX });
    const key = bytesField(1, Buffer.from('k'));
    const put = Buffer.concat([key, bytesField(2, Buffer.alloc(valueBytes, 'v'))]);
    const written = async () => Number((await ask(leader, 'kv/range', { key: 'aw==' })).header.revision);
    return {
      name: 'etcd',
      operations: h2loadMissing() === undefined ? ['writes', 'reads'] : [],
      load: (operation, inFlight, seconds) => {
        const load = { address: leader, token: undefined, inFlight, seconds };
        if (operation === 'reads') return loadUnary({ ...load, path: '/etcdserverpb.KV/Range', request: key });
        return loadCounted(written, () => loadUnary({ ...load, path: '/etcdserverpb.KV/Put', request: put }));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Answer {
  readonly header: { readonly member_id: string; readonly revision: string };
  readonly leader?: string;
}

/** By the gateway that takes JSON. */
async function ask(address: string, what: string, question: object): Promise<Answer> {
  return JSON.parse(await post(`https://${address}/v3/${what}`, JSON.stringify(question))) as Answer;
}

/** The certificate is checked by nobody: it was made for this run. */
function post(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', rejectUnauthorized: false, timeout: ASK_MS_MAX };
    const call = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    call.once('timeout', () => call.destroy(new Error(`etcd did not answer within ${ASK_MS_MAX} ms`)));
    call.once('error', reject);
    call.end(body);
  });
}

async function leaderOf(addresses: readonly string[]): Promise<string | undefined> {
  const asking = addresses.map((address) => ask(address, 'maintenance/status', {}).catch(() => undefined));
  const answers = await Promise.all(asking);
  const leads = answers.findIndex(
    (answer) => answer?.leader !== undefined && answer.leader === answer.header.member_id,
  );
  return leads < 0 ? undefined : addresses[leads];
}

/** Protobuf: a field of bytes. */
function bytesField(number: number, content: Buffer): Buffer {
  const length = content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
}

async function stopAll(children: readonly ChildProcess[], folder: string): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  const ended = () => children.every((child) => child.exitCode !== null || child.signalCode !== null);
  await waitFor(ended, { what: 'etcd to end', timeoutMs: STOP_MS_MAX });
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
