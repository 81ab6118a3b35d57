import { statfsSync } from 'node:fs';

/** <linux/magic.h>: CGROUP2_SUPER_MAGIC. */
const CGROUP2_MAGIC = 0x63677270;

/** 1 also for the hybrid hierarchy, in which the controllers are those of version 1. */
export function cgroupVersion(): 1 | 2 {
  return statfsSync('/sys/fs/cgroup').type === CGROUP2_MAGIC ? 2 : 1;
}
