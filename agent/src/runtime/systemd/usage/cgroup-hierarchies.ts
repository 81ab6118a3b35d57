/** Where the machine's cgroups are seen. Which of them there are depends on the machine: see cgroups(7). */
export interface CgroupHierarchies {
  /** Version 2, alone or beside those of version 1; undefined if it is not mounted. */
  readonly unified: string | undefined;
  /** Version 1, by name of the controller; "name=systemd" is systemd's own, without one. */
  readonly controllers: ReadonlyMap<string, string>;
}

/**
 * Reads /proc/PID/mountinfo (proc(5)): "36 35 98:0 /root /mount options optional… - type source superoptions".
 * `named` is "name=systemd" in the super options of systemd's own hierarchy.
 */
export function parseHierarchies(mountinfo: string): CgroupHierarchies {
  const controllers = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const place = unescapePath(before.split(' ')[4] ?? '');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') unified ??= place;
    if (type !== 'cgroup') continue;
    for (const option of options.split(',')) if (!controllers.has(option)) controllers.set(option, place);
  }
  return { unified, controllers };
}

/** Blanks and the like are written as "\040". */
function unescapePath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
