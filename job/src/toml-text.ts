const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/** No value of a job is in as many lists and tables; what is in more is written as "…". */
const DEPTH_MAX = 16;

/** A value in TOML: strings, numbers, booleans, lists, and tables written inline. Anything else as JavaScript says it. */
export function renderValue(value: unknown): string {
  return renderNested(value, 0);
}

function renderNested(value: unknown, depth: number): string {
  if (typeof value === 'string') return renderString(value);
  if (typeof value === 'number') return renderNumber(value);
  if (depth > DEPTH_MAX) return '…';
  if (Array.isArray(value)) return `[${value.map((item) => renderNested(item, depth + 1)).join(', ')}]`;
  if (typeof value === 'object' && value !== null && !('toISOString' in value)) {
    const members = Object.entries(value).map(
      ([key, member]) => `${renderKey(key)} = ${renderNested(member, depth + 1)}`,
    );
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  return String(value);
}

/** A key, in quotes where TOML asks for them. */
export function renderKey(key: string): string {
  return BARE_KEY.test(key) ? key : renderString(key);
}

/** JSON's escapes are a part of TOML's, but JSON lets DEL and the C1 control characters through as they are. */
function renderString(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function renderNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}
