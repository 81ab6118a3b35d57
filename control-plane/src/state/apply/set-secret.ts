import { secretKey } from '../../model/identity.ts';
import type { CommandResult, SetSecret } from '../commands.ts';
import { SEALED_SIZE_MAX, SECRET_BYTES_MAX, SECRETS_MAX } from '../limits.ts';
import type { Application } from './application.ts';
import { checkSealingKey } from './check-sealing-key.ts';

/** Result detail: `version`. */
export function setSecret(application: Application, { secret }: SetSecret): CommandResult {
  const { tables, timeMs: changedAtMs, index: modifyIndex } = application;
  const before = tables.secrets.get(secretKey(secret));
  const named = `"${secret.namespace}/${secret.name}"`;
  if (secret.sizeBytes > SECRET_BYTES_MAX) {
    const message = `The secret ${named} has ${secret.sizeBytes} bytes, and ${SECRET_BYTES_MAX} are allowed`;
    return application.refuse('CELL_E_LIMIT', message);
  }
  const outdated = checkSealingKey(application, secret.sealed, `The secret ${named}`);
  if (outdated !== undefined) return outdated;
  const sealedSize = tables.identity.sealedSize + secret.sealed.length - (before?.sealed.length ?? 0);
  const tooMany = before === undefined && tables.secrets.size >= SECRETS_MAX;
  if (tooMany || sealedSize > SEALED_SIZE_MAX) {
    const most = `${SECRETS_MAX} secrets and ${SEALED_SIZE_MAX} encrypted characters`;
    const message = `The secret ${named} is more than the fleet keeps, which is ${most}; remove others first`;
    return application.refuse('CELL_E_LIMIT', message);
  }
  const version = (before?.version ?? 0) + 1;
  const { namespace, name, sealed, sizeBytes, changedBy } = secret;
  application.putSecret({ namespace, name, version, sealed, sizeBytes, changedAtMs, changedBy, modifyIndex });
  const message = `Version ${version} was set by ${secret.changedBy}`;
  application.event('SecretSet', `secret/${secretKey(secret)}`, message);
  return application.done({ version });
}
