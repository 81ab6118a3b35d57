type Tree = Readonly<Record<string, unknown>>;

/** The keys, as one writes them in the file, at which two configurations differ; a list counts as a whole. */
export function changedKeys(before: Tree, after: Tree, prefix = ''): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const [old, now] = [before[name], after[name]];
    if (isTree(old) && isTree(now)) return changedKeys(old, now, `${prefix}${name}.`);
    return JSON.stringify(old) === JSON.stringify(now) ? [] : [`${prefix}${name}`];
  });
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
