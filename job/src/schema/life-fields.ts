import type { HealthCheck, HealthCheckType, RestartMode, RestartPolicy, StopPolicy } from '../job-spec.ts';
import { choice } from './choice.ts';
import { duration } from './duration.ts';
import type { FieldSchemas } from './field-schema.ts';
import { ARGUMENTS_MAX } from './job-fields.ts';
import { commandLine, text } from './text.ts';
import { orEmpty } from './value-type.ts';
import { wholeNumber } from './whole-number.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const URL_PATH_MAX = 1024;

export const healthFields: FieldSchemas<HealthCheck> = {
  type: {
    key: 'type',
    type: choice<HealthCheckType>({ http: 'http', tcp: 'tcp', exec: 'exec' }),
    required: true,
    default: 'http',
    doc:
      '`http`: a GET that answers with a status from 200 to 399 is a success. `tcp`: a connection that opens is. ' +
      '`exec`: a command that ends with exit code 0 is.',
    example: '"http"',
  },
  port: {
    key: 'port',
    type: orEmpty(text({ allowed: 'the name of one of the ports', pattern: /./ })),
    default: '',
    defaultText: 'the only port, if there is one only',
    doc: 'For `http` and `tcp`: the name of the port to check.',
    example: '"http"',
  },
  path: {
    key: 'path',
    type: orEmpty(
      text({
        allowed: `a path of at most ${URL_PATH_MAX} printable ASCII characters that begins with "/"`,
        pattern: new RegExp(`^/[!-~]{0,${URL_PATH_MAX - 1}}$`),
      }),
    ),
    default: '',
    defaultText: '`"/"`',
    doc: 'For `http`: what to GET.',
    example: '"/healthz"',
  },
  command: {
    key: 'command',
    type: orEmpty(
      commandLine({
        allowed: `a list of 1 to ${ARGUMENTS_MAX} strings, such as ["pg_isready", "-q"]`,
        entriesMax: ARGUMENTS_MAX,
      }),
    ),
    default: [],
    defaultText: 'must be there for `exec`',
    doc: "For `exec`: program and arguments, run beside the instance with the instance's environment.",
    example: '["pg_isready", "-q"]',
  },
  intervalMs: {
    key: 'interval',
    type: duration({ minMs: 100, maxMs: HOUR_MS }),
    default: 10 * SECOND_MS,
    doc: 'From the end of one check to the next.',
    example: '"2s"',
  },
  timeoutMs: {
    key: 'timeout',
    type: duration({ minMs: 100, maxMs: 10 * MINUTE_MS }),
    default: 3 * SECOND_MS,
    doc: 'A check that takes longer has failed.',
    example: '"1s"',
  },
  healthyThreshold: {
    key: 'healthy_threshold',
    type: wholeNumber({ min: 1, max: 100 }),
    default: 1,
    doc: 'Successes in a row until the instance counts as healthy.',
    example: '2',
  },
  unhealthyThreshold: {
    key: 'unhealthy_threshold',
    type: wholeNumber({ min: 1, max: 100 }),
    default: 3,
    doc: 'Failures in a row until the instance counts as unhealthy and is restarted.',
    example: '5',
  },
  graceMs: {
    key: 'grace',
    type: duration({ minMs: 0, maxMs: HOUR_MS }),
    default: 10 * SECOND_MS,
    doc: "Failures in this time after a start don't count.",
    example: '"30s"',
  },
};

export const restartFields: FieldSchemas<RestartPolicy> = {
  mode: {
    key: 'mode',
    type: choice<RestartMode>({ always: 'always', 'on-failure': 'on-failure', never: 'never' }),
    default: 'always',
    defaultByType: { batch: 'on-failure' },
    doc:
      'When the process is started again on its node: whenever it ends, when it ends with a code other than 0 or by a ' +
      'signal, or not at all. Batch jobs, which are to end, must not have `always`.',
    example: '"on-failure"',
  },
  attempts: {
    key: 'attempts',
    type: wholeNumber({ min: 0, max: 1000 }),
    default: 5,
    defaultByType: { batch: 3 },
    doc: 'Restarts within the window until the instance counts as failed.',
    example: '10',
  },
  windowMs: {
    key: 'window',
    type: duration({ minMs: SECOND_MS, maxMs: 24 * HOUR_MS }),
    default: 5 * MINUTE_MS,
    doc: 'How far back restarts are counted.',
    example: '"10m"',
  },
  delayMs: {
    key: 'delay',
    type: duration({ minMs: 100, maxMs: HOUR_MS }),
    default: SECOND_MS,
    doc: 'Wait before the first restart in the window. It doubles with each further one.',
    example: '"500ms"',
  },
  delayMaxMs: {
    key: 'delay_max',
    type: duration({ minMs: 100, maxMs: 24 * HOUR_MS }),
    default: 30 * SECOND_MS,
    doc: 'The longest wait; at least `delay`.',
    example: '"1m"',
  },
};

const signals = {
  SIGTERM: 'SIGTERM',
  SIGINT: 'SIGINT',
  SIGQUIT: 'SIGQUIT',
  SIGHUP: 'SIGHUP',
  SIGUSR1: 'SIGUSR1',
  SIGUSR2: 'SIGUSR2',
  SIGWINCH: 'SIGWINCH',
  SIGKILL: 'SIGKILL',
};

export const stopFields: FieldSchemas<StopPolicy> = {
  signal: {
    key: 'signal',
    type: choice<string>(signals),
    default: 'SIGTERM',
    doc: 'How the process is asked to end.',
    example: '"SIGINT"',
  },
  timeoutMs: {
    key: 'timeout',
    type: duration({ minMs: 0, maxMs: HOUR_MS }),
    default: 10 * SECOND_MS,
    doc: 'Wait until everything that is left of the instance gets SIGKILL.',
    example: '"30s"',
  },
};
