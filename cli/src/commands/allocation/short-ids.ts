/** The first ten characters are the time, so that instances placed together share them. */
const LENGTH_MIN = 13;

/** Beginnings of ids, all of one length, that tell each of the ids from the others. */
export function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  let length = LENGTH_MIN;
  const all = new Set(ids);
  while (length < 26 && new Set([...all].map((id) => id.slice(0, length))).size < all.size) length += 1;
  return new Map(ids.map((id) => [id, id.slice(0, length)]));
}
