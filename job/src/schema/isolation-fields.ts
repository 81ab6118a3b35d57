import { CREDENTIAL_NAME_ALLOWED, CREDENTIAL_NAME_PATTERN } from '../credential-name.ts';
import type { DirectoryKind, JobSpec, NetworkAccess, Sandbox } from '../job-spec.ts';
import { SECRET_NAME_ALLOWED, SECRET_NAME_PATTERN } from '../names.ts';
import { choice } from './choice.ts';
import { deviceAccess } from './device-access.ts';
import type { FieldSchemas } from './field-schema.ts';
import { listOf } from './list-of.ts';
import { networkAddress } from './network-address.ts';
import { text } from './text.ts';
import { truth } from './truth.ts';

export const CREDENTIALS_MAX = 32;
export const SECRETS_MAX = 64;
const ENVIRONMENT_FILES_MAX = 16;
const DEVICES_MAX = 32;
const ADDRESSES_MAX = 64;

const secretFile = text({
  allowed: 'the plain name of a file: 1 to 128 letters, digits, ".", "_", "@", "+" and "-", without "." first',
  pattern: /^(?!\.)[A-Za-z0-9._@+-]{1,128}$/,
});

type IsolationFields = Pick<JobSpec, 'sandbox' | 'dynamicUser' | 'environmentFiles' | 'directories' | 'devices'>;

/** What stands at the top of a job file about how an instance is shut off from its node, and what it is let have. */
export const isolationFields: FieldSchemas<IsolationFields> = {
  sandbox: {
    key: 'sandbox',
    type: choice<Sandbox>({ default: 'default', strict: 'strict', none: 'none' }),
    default: 'default',
    doc:
      'How far an instance is shut off from its node. `strict`: as far as systemd can. The whole system is read-only ' +
      'but for folders of its own, and it has no homes, no devices but those it names and harmless ones, no ' +
      "capabilities, no way to gain privileges, and ordinary system calls only. A node that can't do this is not " +
      'taken. `default`: what the node can. With the systemd runtime batch jobs are shut off as with `strict`; services ' +
      "and system jobs so that ordinary daemons work: they can't gain privileges, change programs and settings of " +
      "the system or of the kernel, see others' temporary files, or read Cell's own folders. With the process " +
      'runtime nothing is enforced. `none`: it is not shut off at all; limits and the like hold all the same.',
    example: '"strict"',
  },
  dynamicUser: {
    key: 'dynamic_user',
    type: truth,
    default: false,
    doc:
      "Insist on a user that is made for the instance and is gone with it: a node that can't make one is not taken. " +
      'Not together with `user`, nor with `sandbox = "none"`.',
    example: 'false',
  },
  environmentFiles: {
    key: 'environment_files',
    type: listOf(secretFile, {
      allowed: `a list of at most ${ENVIRONMENT_FILES_MAX} plain names of files, each once`,
      entriesMax: ENVIRONMENT_FILES_MAX,
    }),
    default: [],
    defaultText: 'none',
    doc:
      "Files in the node's folder of secrets, `/etc/cell/secrets`, with lines `NAME=value` for the environment. A later " +
      "file wins over an earlier one, and all win over `[environment]`. Their content stays on the node: it isn't in " +
      'the job, and the control plane never sees it. An instance does not start where one is missing. Needs the ' +
      'systemd runtime.',
    example: '["web.env"]',
  },
  directories: {
    key: 'directories',
    type: listOf(choice<DirectoryKind>({ state: 'state', cache: 'cache', logs: 'logs' }), {
      allowed: 'a list of "state", "cache" and "logs", each at most once',
      entriesMax: 3,
    }),
    default: [],
    defaultText: 'none',
    doc:
      'Folders of its own, which the instance may write to and which stay on the node when it ends, for the next run or ' +
      'version of it there. The command finds them in `STATE_DIRECTORY`, `CACHE_DIRECTORY` and `LOGS_DIRECTORY`: ' +
      "`cell-jobs/<job>-<instance>` below `/var/lib`, `/var/cache` and `/var/log`. They don't move to another node " +
      'with the instance. Needs the systemd runtime.',
    example: '["state", "logs"]',
  },
  devices: {
    key: 'devices',
    type: listOf(deviceAccess, {
      allowed: `a list of at most ${DEVICES_MAX} devices, each once, such as ["/dev/kvm", "/dev/ttyUSB0:r"]`,
      entriesMax: DEVICES_MAX,
    }),
    default: [],
    defaultText: 'none',
    doc:
      'Devices that an instance needs, each with `r` (read), `w` (write) and `m` (make the node) for what it may do; ' +
      '`rw` if nothing is said. It may then use these and harmless ones such as `/dev/null`, and no others (with ' +
      '`sandbox = "none"` all). Only nodes that have all of them are taken; `cellctl node show` lists what a node has. ' +
      'Needs the systemd runtime.',
    example: '["/dev/kvm", "/dev/ttyUSB0:r"]',
  },
};

const addressList = listOf(networkAddress, {
  allowed: `a list of at most ${ADDRESSES_MAX} addresses and prefixes, each once, such as ["10.0.0.0/8", "::1"]`,
  entriesMax: ADDRESSES_MAX,
});

export const networkFields: FieldSchemas<NetworkAccess> = {
  private: {
    key: 'private',
    type: truth,
    default: false,
    doc: 'Only a loopback interface of its own: it reaches nobody, and nobody reaches it. So it has no ports.',
    example: 'false',
  },
  deny: {
    key: 'deny',
    type: addressList,
    default: [],
    defaultText: 'none',
    doc:
      'Addresses it can neither send to nor hear from: addresses, prefixes, and `any`, `localhost`, `link-local` and ' +
      '`multicast` for what they say. Names of hosts are not looked up.',
    example: '["any"]',
  },
  allow: {
    key: 'allow',
    type: addressList,
    default: [],
    defaultText: 'none',
    doc: 'Exceptions from `deny`, in the same words; without `deny` everything is allowed anyway.',
    example: '["localhost", "10.0.0.0/8"]',
  },
};

/** `[credentials]`: the name of a credential, and the file that holds it. */
export const credentialName = text({ allowed: CREDENTIAL_NAME_ALLOWED, pattern: CREDENTIAL_NAME_PATTERN });

export const credentialFields: FieldSchemas<{ readonly value: string }> = {
  value: {
    key: 'NAME',
    type: secretFile,
    required: true,
    default: '',
    doc:
      'The name of a file in `/etc/cell/secrets`. The command reads it as `NAME` in the folder that the variable ' +
      '`CREDENTIALS_DIRECTORY` holds.',
    example: '"web-tls.key"',
  },
};

/** `[secrets]`: the name of a credential, and the secret that it holds. */
export const secretFields: FieldSchemas<{ readonly value: string }> = {
  value: {
    key: 'NAME',
    type: text({ allowed: `the name of a secret: ${SECRET_NAME_ALLOWED}`, pattern: SECRET_NAME_PATTERN }),
    required: true,
    default: '',
    doc:
      "The name of a secret of the job's namespace. The command reads it as `NAME` in the folder that the variable " +
      '`CREDENTIALS_DIRECTORY` holds.',
    example: '"database-password"',
  },
};
