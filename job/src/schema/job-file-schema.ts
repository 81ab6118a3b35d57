import type { SectionSchema } from './field-schema.ts';
import {
  CREDENTIALS_MAX,
  credentialFields,
  credentialName,
  isolationFields,
  networkFields,
  SECRETS_MAX,
  secretFields,
} from './isolation-fields.ts';
import { jobFields } from './job-fields.ts';
import { healthFields, restartFields, stopFields } from './life-fields.ts';
import { limitFields } from './limit-fields.ts';
import {
  CONSTRAINTS_MAX,
  constraintFields,
  ENVIRONMENT_MAX,
  environmentFields,
  environmentName,
  PORTS_MAX,
  portFields,
  resourceFields,
} from './placement-fields.ts';

/**
 * All that a job file may hold, in the order in which people write it. Reading, checking, writing and documenting job
 * files all go through this one table.
 */
export const jobFileSchema: readonly SectionSchema[] = [
  {
    key: '',
    property: '',
    shape: 'root',
    doc: 'What runs, and how often.',
    fields: { ...jobFields, ...isolationFields },
  },
  {
    key: 'environment',
    property: 'environment',
    shape: 'map',
    doc: 'Variables for the command, on top of the ones that Cell sets.',
    fields: environmentFields,
    entriesMax: ENVIRONMENT_MAX,
    names: { type: environmentName, plural: 'variables' },
  },
  {
    key: 'resources',
    property: 'resources',
    shape: 'table',
    doc:
      'What each instance needs. An instance is placed only where this much is left. It is set aside, and no limit: that ' +
      'is what `[limits]` is for.',
    fields: resourceFields,
  },
  {
    key: 'ports',
    property: 'ports',
    shape: 'list',
    doc: 'Ports that each instance listens on; one table for each.',
    fields: portFields,
    entriesMax: PORTS_MAX,
  },
  {
    key: 'constraints',
    property: 'constraints',
    shape: 'list',
    doc: 'What a node must be like; one table for each condition, and all of them must hold.',
    fields: constraintFields,
    entriesMax: CONSTRAINTS_MAX,
  },
  {
    key: 'health',
    property: 'health',
    shape: 'optional-table',
    doc: 'How to tell that an instance serves. Without this table it counts as healthy once its process has run for 2 s.',
    fields: healthFields,
  },
  {
    key: 'restart',
    property: 'restart',
    shape: 'table',
    doc: 'What happens when the process ends, or when it fails its health check.',
    fields: restartFields,
  },
  {
    key: 'stop',
    property: 'stop',
    shape: 'table',
    doc: 'How an instance is asked to stop.',
    fields: stopFields,
  },
  {
    key: 'limits',
    property: 'limits',
    shape: 'table',
    doc:
      "What each instance may not go beyond. The node's kernel sees to it, through systemd: a node that can't is not " +
      'taken, and with the process runtime none can.',
    fields: limitFields,
  },
  {
    key: 'network',
    property: 'network',
    shape: 'table',
    doc:
      'What each instance reaches over the network. Without this table that is all that its node reaches. A node that ' +
      "can't do what is asked is not taken, and with the process runtime none can.",
    fields: networkFields,
  },
  {
    key: 'credentials',
    property: 'credentials',
    shape: 'map',
    doc:
      "Secrets. They lie as files in the node's folder `/etc/cell/secrets`, which only root may read, and never in the " +
      'job: the control plane knows their names only. systemd hands them to the instance in a folder that its user ' +
      'alone can read. An instance does not start where one is missing. Needs the systemd runtime.',
    fields: credentialFields,
    entriesMax: CREDENTIALS_MAX,
    names: { type: credentialName, plural: 'credentials' },
  },
  {
    key: 'secrets',
    property: 'secrets',
    shape: 'map',
    doc:
      'Secrets that the control plane keeps, encrypted (`cellctl secret set`). The job has their names only; a node is ' +
      'given the values when an instance shall start there, and keeps them in memory. The instance finds them in a folder ' +
      'that its user alone can read, beside its `[credentials]`; with the process runtime, which shuts nothing off, in ' +
      'one that the user of the agent can read. A new value is taken with the next start. An instance does not start ' +
      'where a secret is missing.',
    fields: secretFields,
    entriesMax: SECRETS_MAX,
    names: { type: credentialName, plural: 'secrets' },
  },
];
