import { enumWord, type GetCallerResponse, RoleSchema, type Token } from '@cell/sdk';
import { renderDetails } from '../../output/details.ts';
import type { Style } from '../../output/style.ts';
import { untilText } from '../../output/timestamp-text.ts';

/** One line, without a line break. */
export function callerSentence({ cluster, token }: GetCallerResponse, style: Style): string {
  const ends = token?.expiresAt === undefined ? '' : `, until ${untilText(token.expiresAt, style)}`;
  return `You are token "${token?.name ?? ''}" of cluster "${cluster}": ${roleText(token)}${ends}`;
}

export function renderCaller(caller: GetCallerResponse, context: string | undefined, style: Style): string {
  const { token, cluster, certificateExpiresAt } = caller;
  return renderDetails(
    [
      ['Token', `${token?.name ?? ''} (${token?.id ?? ''})`],
      ['Role', roleText(token)],
      ['Ends', token?.expiresAt === undefined ? 'never' : untilText(token.expiresAt, style)],
      ['Certificate', certificateExpiresAt === undefined ? '' : `until ${untilText(certificateExpiresAt, style)}`],
      ['Cluster', cluster],
      ['Context', context ?? ''],
      ['Members', caller.controlPlaneAddresses.join(', ')],
    ],
    style,
  );
}

/** "operator in namespace team-a". */
function roleText(token: Pick<Token, 'role' | 'namespace'> | undefined): string {
  if (token === undefined) return '';
  const role = enumWord(RoleSchema, token.role);
  return token.namespace === '' ? role : `${role} in namespace ${token.namespace}`;
}
