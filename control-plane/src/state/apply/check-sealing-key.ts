import { type Sealed, sealingKeyInForce, sealingKeyOf } from '../../model/identity.ts';
import type { CommandResult } from '../commands.ts';
import type { Application } from './application.ts';

/**
 * A member that is behind seals with the key before still. Its value would come after the last round of a change of the
 * key, and an authority that it made would even bring the old key back into force. Undefined if all is well.
 *
 * `what`: begins the sentence that says why it is refused.
 */
export function checkSealingKey(application: Application, sealed: Sealed, what: string): CommandResult | undefined {
  const inForce = sealingKeyInForce(application.tables.authorities);
  const key = sealingKeyOf(sealed);
  if (inForce === undefined || key === inForce) return undefined;
  const message =
    `${what} was sealed with the key "${key.slice(0, SHOWN_MAX)}", but "${inForce}" is in force; try again, and if that ` +
    'does not help, ask another member';
  return application.refuse('CELL_E_CONFLICT', message);
}

/** Characters of an id of a key; they have 16. */
const SHOWN_MAX = 40;
