/**
 * What systemd says by the exit status of a process that did not get to its program: systemd.exec(5), "Process exit
 * codes". Those that can come from what a job or a node says have a sentence with what to do.
 */
const SENTENCES: ReadonlyMap<number, string> = new Map([
  [200, 'Could not enter the working directory; create it, let the user in, or change "working_directory"'],
  [202, 'Could not pass file descriptors on to the command'],
  [203, 'Could not run the command: it is not there, may not be executed, or has no format that this system knows'],
  [205, 'Could not set a limit of the command, such as "limits.files_max"'],
  [206, 'Could not set the OOM score of the command'],
  [208, 'Could not set up the standard input of the command'],
  [209, 'Could not set up the standard output of the command; see whether journald runs'],
  [213, 'Could not set the scheduling of the command'],
  [214, 'Could not set the CPU scheduling of the command'],
  [215, 'Could not set the CPU affinity of the command'],
  [216, 'Could not find or change to the group of the user'],
  [217, 'Could not find or change to the user on this node; create it, or change "user"'],
  [218, 'Could not drop the capabilities of the command'],
  [219, 'Could not set up the cgroup of the command; see "limits"'],
  [222, 'Could not set up the standard error of the command; see whether journald runs'],
  [224, 'Could not open a session of the user'],
  [225, 'Could not set up the network of the command; this node may lack private networks'],
  [226, 'Could not shut the command off from the files of the node: a path in its sandbox is missing, or mounts fail'],
  [227, 'Could not forbid the command new privileges'],
  [228, 'Could not filter the system calls of the command; this kernel may lack seccomp'],
  [233, 'Could not make the runtime directory of the command'],
  [235, 'Could not give the directories to the user'],
  [238, 'Could not make the state directory; see whether /var/lib can be written to'],
  [239, 'Could not make the cache directory; see whether /var/cache can be written to'],
  [240, 'Could not make the log directory; see whether /var/log can be written to'],
  [241, 'Could not make the configuration directory of the command'],
  [
    243,
    'Could not hand over the credentials: a file of "credentials" is missing in the folder of secrets of this node',
  ],
  [245, 'Could not use the BPF of this kernel for the command'],
]);
const STATUS_MIN = 200;
const STATUS_MAX = 245;

/** A sentence if systemd could not run the program; undefined if the status is the program's own. */
export function explainExitStatus(status: number): string | undefined {
  const sentence = SENTENCES.get(status);
  if (sentence !== undefined) return `${sentence} (systemd's status ${status})`;
  if (status < STATUS_MIN || status > STATUS_MAX) return undefined;
  return `Could not run the command: systemd ended with status ${status}, see systemd.exec(5)`;
}
