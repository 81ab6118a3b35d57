import { connect } from 'node:net';
import type { BesideResult } from '../ports.ts';
import type { HealthCheck } from '../reconcile/model.ts';
import type { CheckOutcome } from './count-health.ts';

export interface CheckTarget {
  readonly check: HealthCheck;
  readonly address: string;
  /** Of the port that the check names; 0 for exec. */
  readonly port: number;
  /** Runs the check's command beside the allocation. */
  readonly runBeside: (timeoutMs: number) => Promise<BesideResult>;
}

// An import statement reads all that the module exports, and some of that loads a web client: 15 MB of memory.
const { get } = process.getBuiltinModule('node:http');

const OUTPUT_CHARACTERS_MAX = 200;

/** Makes one check; never rejects. */
export function makeCheck(target: CheckTarget): Promise<CheckOutcome> {
  switch (target.check.type) {
    case 'http':
      return checkHttp(target);
    case 'tcp':
      return checkTcp(target);
    case 'exec':
      return checkExec(target);
  }
}

/** No connection is kept: each check also shows that new ones are taken. */
function checkHttp({ check, address, port }: CheckTarget): Promise<CheckOutcome> {
  const what = `GET ${check.path} on port ${port}`;
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(check.timeoutMs);
    const headers = { 'user-agent': 'cell-agent', connection: 'close' };
    const request = get({ host: address, port, path: check.path, signal, headers, agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      resolve({ success: status >= 200 && status < 400, message: `${what} answered ${status}` });
      response.destroy();
    });
    request.once('error', (error) => {
      const why = signal.aborted ? `did not answer within ${check.timeoutMs} ms` : `failed: ${error.message}`;
      resolve({ success: false, message: `${what} ${why}` });
    });
  });
}

function checkTcp({ check, address, port }: CheckTarget): Promise<CheckOutcome> {
  const what = `Connecting to port ${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const done = (success: boolean, message: string): void => {
      socket.destroy();
      resolve({ success, message });
    };
    socket.setTimeout(check.timeoutMs, () => done(false, `${what} took longer than ${check.timeoutMs} ms`));
    socket.once('connect', () => done(true, `${what} succeeded`));
    socket.once('error', (error) => done(false, `${what} failed: ${error.message}`));
  });
}

async function checkExec({ check, runBeside }: CheckTarget): Promise<CheckOutcome> {
  const what = `Command "${check.command.join(' ')}"`;
  try {
    const { exitCode, output } = await runBeside(check.timeoutMs);
    const tail = output === '' ? '' : `: ${output.slice(-OUTPUT_CHARACTERS_MAX)}`;
    if (exitCode === undefined) return { success: false, message: `${what} failed${tail}` };
    return { success: exitCode === 0, message: `${what} ended with ${exitCode}${exitCode === 0 ? '' : tail}` };
  } catch (error) {
    return { success: false, message: `${what} could not be run: ${(error as Error).message}` };
  }
}
