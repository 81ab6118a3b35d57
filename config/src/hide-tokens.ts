/** As tokens begin: purpose and id, which is no secret. What follows is, also where it is cut off. */
const TOKEN = /\b(cell(?:join|key)_[a-z2-7]{10})_[a-z2-7_]+/gi;

/**
 * For text that goes to logs and screens, and may quote what somebody has put into the wrong place: tokens are cut down
 * to what tells them apart.
 */
export function hideTokens(text: string): string {
  return text.replaceAll(TOKEN, '$1_…');
}
