import type { Constraint, ConstraintOperator, PortRequest, ResourceRequest } from '../job-spec.ts';
import { choice } from './choice.ts';
import { constraintValue } from './constraint-value.ts';
import { cpuCores } from './cpu-cores.ts';
import type { FieldSchemas } from './field-schema.ts';
import { memorySize } from './memory-size.ts';
import { text } from './text.ts';
import { wholeNumber } from './whole-number.ts';

export const PORTS_MAX = 32;
export const CONSTRAINTS_MAX = 32;
export const ENVIRONMENT_MAX = 256;
export const CORES_MAX = 1024;
export const MEMORY_MIB_MAX = 16 * 1024 * 1024;

/** `[environment]`: the name of a variable, and its value. */
export const environmentName = text({
  allowed: '1 to 128 letters, digits and "_", without a digit first, and not beginning with "CELL_"',
  // `__proto__` would be lost in a JavaScript object on its way.
  pattern: /^(?!CELL_|__proto__$)[A-Za-z_][A-Za-z0-9_]{0,127}$/,
});

export const environmentFields: FieldSchemas<{ readonly value: string }> = {
  value: {
    key: 'NAME',
    type: text({ allowed: 'a string of at most 32 KiB' }),
    required: true,
    default: '',
    doc: `One variable. Names have letters, digits and "_" and don't begin with \`CELL_\`, which is Cell's own.`,
    example: '"value"',
  },
};

export const resourceFields: FieldSchemas<ResourceRequest> = {
  cpuMillis: {
    key: 'cpu',
    type: cpuCores({ minMillis: 10, maxMillis: CORES_MAX * 1000 }),
    default: 100,
    doc: 'Processor cores that are set aside for the instance on its node. What it may use at most is `limits.cpu_max`.',
    example: '0.5',
  },
  memoryMib: {
    key: 'memory',
    type: memorySize({ minMib: 1, maxMib: MEMORY_MIB_MAX }),
    default: 128,
    doc:
      'Memory that is set aside. What it may use at most is `limits.memory_max`. Units are binary: 1 GiB is 1024 MiB, ' +
      '1 MiB is 1,048,576 bytes. MB and GB are refused.',
    example: '"512MiB"',
  },
};

export const portFields: FieldSchemas<PortRequest> = {
  name: {
    key: 'name',
    type: text({
      allowed: '1 to 32 lower-case letters, digits and "-", with a letter first and no "-" last',
      pattern: /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
    }),
    required: true,
    default: '',
    doc: 'How the health check and the environment call it: `admin-api` becomes `CELL_PORT_ADMIN_API`.',
    example: '"http"',
  },
  port: {
    key: 'port',
    type: wholeNumber({ min: 0, max: 65_535 }),
    default: 0,
    defaultText: "`0`: a free one from the node's range is given out",
    doc: 'A fixed number. Two instances that want the same one never share a node.',
    example: '8080',
  },
};

export const constraintFields: FieldSchemas<Constraint> = {
  attribute: {
    key: 'attribute',
    type: text({
      allowed: '1 to 128 letters, digits, ".", "_", "/" and "-", with a letter or digit first',
      pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/,
    }),
    required: true,
    default: '',
    doc: "The node's attribute, such as `node.name`, `kernel.name` or `cpu.architecture`; `cellctl node show` lists them.",
    example: '"cpu.architecture"',
  },
  operator: {
    key: 'operator',
    type: choice<ConstraintOperator>({
      '=': 'equal',
      '!=': 'not-equal',
      in: 'in',
      'not in': 'not-in',
      exists: 'exists',
      'not exists': 'not-exists',
      '>=': 'at-least',
      '<=': 'at-most',
    }),
    default: 'equal',
    doc:
      'How they are compared. `!=` and `not in` hold also where the attribute is not there; ' +
      '`>=` and `<=` hold only where both are numbers.',
    example: '"in"',
  },
  value: {
    key: 'value',
    type: constraintValue,
    default: '',
    defaultText: 'must be there, except beside `exists` and `not exists`',
    doc: 'What the attribute is compared with.',
    example: '["amd64", "arm64"]',
  },
};
