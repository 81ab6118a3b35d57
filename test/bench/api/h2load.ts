import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadResult } from '../raft/load.ts';
import { percentile, rounded } from '../statistics.ts';

/** Connections at most; calls in flight are spread over them. */
const CONNECTIONS_MAX = 8;
const OVERTIME_MS = 10_000;

export interface UnaryLoad {
  /** "host:port". */
  readonly address: string;
  /** "/package.Service/Method". */
  readonly path: string;
  /** The message, encoded. */
  readonly request: Uint8Array;
  /** Of whoever calls; undefined where nobody asks for one. */
  readonly token: string | undefined;
  readonly inFlight: number;
  readonly seconds: number;
}

/** Why there can be no such load; undefined if there can. */
export function h2loadMissing(): string | undefined {
  if (spawnSync('h2load', ['--version']).status === 0) return undefined;
  return 'there is no h2load (Debian package nghttp2-client)';
}

/** Makes unary gRPC calls over TLS by h2load, a client in C, which leaves most of the processors to the servers. */
export async function loadUnary(load: UnaryLoad): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'cell-h2load-'));
  try {
    const body = join(folder, 'body');
    const log = join(folder, 'log');
    writeFileSync(body, framed(load.request));
    const connections = Math.min(load.inFlight, CONNECTIONS_MAX);
    const flags = {
      '--duration': load.seconds,
      '--clients': connections,
      '--max-concurrent-streams': load.inFlight / connections,
      '--data': body,
      '--log-file': log,
    };
    const parameters = Object.entries(flags).map(([flag, value]) => `${flag}=${value}`);
    const headers = [
      'content-type: application/grpc',
      'te: trailers',
      ...(load.token === undefined ? [] : [`authorization: Bearer ${load.token}`]),
    ].map((header) => `--header=${header}`);
    const words = [...parameters, ...headers, `https://${load.address}${load.path}`];
    await ended(words, load.seconds * 1000 + OVERTIME_MS);
    return resultOf(readFileSync(log, 'utf8'), load.seconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A gRPC message on the wire: not compressed, length, content. */
function framed(request: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  return Buffer.concat([prefix, request]);
}

function ended(parameters: readonly string[], timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('h2load', parameters, { stdio: 'ignore', timeout: timeoutMs });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`h2load ended with code ${code}`))));
  });
}

/** Lines of the log: when it began (µs), HTTP status, how long it took (µs). */
function resultOf(log: string, seconds: number): LoadResult {
  const latenciesMs: number[] = [];
  for (const line of log.trim().split('\n')) {
    const [, status, durationUs] = line.split('\t').map(Number);
    if (status !== 200) throw new Error(`A call was answered with HTTP status ${status}`);
    latenciesMs.push((durationUs as number) / 1000);
  }
  return {
    perSecond: Math.round(latenciesMs.length / seconds),
    p50Ms: rounded(percentile(latenciesMs, 0.5), 3),
    p99Ms: rounded(percentile(latenciesMs, 0.99), 3),
    completed: latenciesMs.length,
  };
}
