import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** What came from the near side while it is not known whose it is. */
  name: string | undefined;
}

/** The name of a node is in the first message of its agent's session, well before so many bytes. */
const OPENING_BYTES_MAX = 16 * 1024;

/**
 * Between agents and one member: cuts agents off by name as a network does, where packets are lost and nobody is told.
 * It knows whose a connection is by the node's name in what the agent says first.
 */
export class TcpRelay {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #names: readonly string[];
  readonly #cut = new Set<string>();

  private constructor(target: { readonly host: string; readonly port: number }, names: readonly string[]) {
    this.#names = names;
    this.#server = createServer((near) => this.#join(near, target));
  }

  /** Listens on the port of `target` at another loopback address. */
  static async open(
    listenHost: string,
    target: { readonly host: string; readonly port: number },
    names: readonly string[],
  ): Promise<TcpRelay> {
    const relay = new TcpRelay(target, names);
    relay.#server.listen(target.port, listenHost);
    await once(relay.#server, 'listening');
    return relay;
  }

  /** From now on nothing gets through, in either direction, also on new connections. */
  cut(name: string): void {
    this.#cut.add(name);
    for (const pair of this.#pairs) if (pair.name === name) freeze(pair);
  }

  /** New connections get through again; the frozen ones are closed, as they are on a network that forgot them. */
  mend(name: string): void {
    this.#cut.delete(name);
    for (const pair of this.#pairs) if (pair.name === name) close(pair);
  }

  close(): void {
    this.#server.close();
    for (const pair of this.#pairs) close(pair);
  }

  #join(near: Socket, target: { readonly host: string; readonly port: number }): void {
    const far = new Socket();
    const pair: Pair = { near, far, name: undefined };
    this.#pairs.add(pair);
    const end = (): void => {
      if (this.#cut.has(pair.name ?? '')) return;
      close(pair);
      this.#pairs.delete(pair);
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    far.connect(target.port, target.host);
    let opening = Buffer.alloc(0);
    near.on('data', (data) => {
      if (pair.name === undefined) {
        opening = Buffer.concat([opening, data]).subarray(0, OPENING_BYTES_MAX);
        pair.name = this.#names.find((name) => opening.includes(name));
      }
      if (this.#cut.has(pair.name ?? '')) freeze(pair);
      else pass(near, far, data);
    });
    far.on('data', (data) => {
      if (!this.#cut.has(pair.name ?? '')) pass(far, near, data);
    });
  }
}

function pass(from: Socket, to: Socket, data: Buffer): void {
  if (to.write(data)) return;
  from.pause();
  to.once('drain', () => from.resume());
}

function freeze({ near, far }: Pair): void {
  near.pause();
  far.pause();
}

function close({ near, far }: Pair): void {
  near.destroy();
  far.destroy();
}
