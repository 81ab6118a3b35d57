import { join } from 'node:path';
import type { ExecTerminal } from '../../../ports.ts';
import { inheritedProperties } from '../sandbox-properties.ts';
import type { UnitProperty } from '../systemd-manager.ts';

/** A unit that a command is to be run in. */
export interface EnteredUnit {
  /** As systemd names it, such as "/cell.slice/x.service". */
  readonly controlGroup: string;
  readonly mainPid: number;
  /** Absolute; of the command. */
  readonly workingDirectory: string;
  readonly filtersSystemCalls: boolean;
}

export interface HelperRequest {
  readonly entered: EnteredUnit;
  /** For people: what it is. */
  readonly description: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly terminal: ExecTerminal | undefined;
  /** With sockets for the command, and what is said to and by the script. */
  readonly folder: string;
  /** Of all helpers of this machine. */
  readonly name: string;
  /** Undefined: nothing to read. */
  readonly inputSocket: string | undefined;
  readonly outputSocket: string;
  /** The same as for output: one connection for both. */
  readonly errorSocket: string;
  /** Until systemd ends it, whatever happens to the agent; undefined: it ends with the agent. */
  readonly runMsMax: number | undefined;
}

const SCRIPT = join(import.meta.dirname, 'enter-unit.sh');
const STOP_MICROSECONDS_MAX = 15_000_000n;
const MICROSECONDS_PER_MS = 1_000n;
/** Of syslog(3): nothing of its start and end goes to the journal. */
const WARNING = 4;
const SIZE_MAX = 10_000;

/**
 * A transient unit, outside of the allocation's, that enters it: systemd starts it as root and connects its standard
 * input, output and error with sockets that the agent listens on (systemd.exec(5)).
 */
export function helperProperties(request: HelperRequest): UnitProperty[] {
  const { entered, folder, name, command, inputSocket, runMsMax } = request;
  const place = [folder, name, `${entered.mainPid}`, entered.controlGroup];
  const variables = Object.entries(request.environment).map(([key, value]) => `${key}=${value}`);
  return [
    ['Description', 's', request.description],
    ['Slice', 's', 'cell.slice'],
    ['Type', 's', 'exec'],
    ['CollectMode', 's', 'inactive-or-failed'],
    ['LogLevelMax', 'i', WARNING],
    ['IgnoreSIGPIPE', 'b', false],
    // Its script ends what it runs, which is in another cgroup.
    ['KillMode', 's', 'mixed'],
    ['TimeoutStopUSec', 't', STOP_MICROSECONDS_MAX],
    ...(runMsMax === undefined ? [] : ([['RuntimeMaxUSec', 't', BigInt(runMsMax) * MICROSECONDS_PER_MS]] as const)),
    ...(inputSocket === undefined ? [] : ([['StandardInputFile', 's', inputSocket]] as const)),
    ['StandardOutputFile', 's', request.outputSocket],
    ['StandardErrorFile', 's', request.errorSocket],
    ...inheritedProperties({ filters: entered.filtersSystemCalls }),
    // The names are ours: what a job says must not change how the script runs.
    ['Environment', 'as', variables.map((variable, index) => `CELL_EXEC_${index}=${variable}`)],
    [
      'ExecStartEx',
      'a(sasas)',
      script([
        runMsMax === undefined ? 'session' : 'check',
        ...place,
        entered.workingDirectory,
        sizeOf(request.terminal),
        ...command,
      ]),
    ],
  ];
}

function script(words: readonly string[]): unknown {
  return [['/bin/bash', ['/bin/bash', SCRIPT, ...words], ['no-env-expand']]];
}

/** "COLUMNS ROWS", as the script takes it; empty without a terminal. */
export function sizeOf(terminal: ExecTerminal | undefined): string {
  if (terminal === undefined) return '';
  const within = (size: number): number => Math.min(Math.max(1, Math.trunc(size) || 1), SIZE_MAX);
  return `${within(terminal.columns)} ${within(terminal.rows)}`;
}
