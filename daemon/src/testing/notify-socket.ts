/** A datagram socket like the one that systemd gives as NOTIFY_SOCKET; Node has none, Perl is on every Debian. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Prints each message as one line, its assignments with bars between them. */
const LISTENER = String.raw`
use IO::Socket::UNIX; $| = 1;
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
print "listens\n";
while (defined $socket->recv(my $message, 65536)) { $message =~ s/\n+$//; $message =~ s/\n/|/g; print "$message\n" }
`;

/** Why these tests can't run here; undefined if they can. */
export function missingForNotifySocket(): string | undefined {
  const missing = [
    ['perl', '-MIO::Socket::UNIX', '-e', '1'],
    ['systemd-notify', '--version'],
  ].find(([command = '', ...words]) => spawnSync(command, words).status !== 0);
  return missing === undefined ? undefined : `There is no ${missing[0]}`;
}

export class NotifySocket {
  readonly path: string;
  /** In the order in which they came, without those by which systemd-notify waits for its end. */
  readonly messages: string[] = [];
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'cell-notify-'));
    this.path = join(this.#folder, 'socket');
    this.#child = spawn('perl', ['-e', LISTENER, this.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  static async open(): Promise<NotifySocket> {
    const socket = new NotifySocket();
    const lines = createInterface({ input: socket.#child.stdout! });
    await once(lines, 'line');
    lines.on('line', (line) => {
      if (line !== 'BARRIER=1') socket.messages.push(line);
    });
    return socket;
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
    rmSync(this.#folder, { recursive: true });
  }
}
