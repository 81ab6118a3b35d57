import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Undefined: nobody's whom we know. */
  readonly name: string | undefined;
}

/** Whose connection it is that begins at a local port, as in `socketOwner`. */
type NameOf = (port: number) => string | undefined;

/**
 * Between agents and one member: cuts agents off by name as a network does, where packets are lost and nobody is told.
 * It knows whose a connection is by the process that has it: what goes through is encrypted.
 */
export class TcpRelay {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #nameOf: NameOf;
  readonly #cut = new Set<string>();

  private constructor(target: { readonly host: string; readonly port: number }, nameOf: NameOf) {
    this.#nameOf = nameOf;
    this.#server = createServer((near) => this.#join(near, target));
  }

  /** Listens on the port of `target` at another loopback address. */
  static async open(
    listenHost: string,
    target: { readonly host: string; readonly port: number },
    nameOf: NameOf,
  ): Promise<TcpRelay> {
    const relay = new TcpRelay(target, nameOf);
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
    const pair: Pair = { near, far, name: this.#nameOf(near.remotePort ?? 0) };
    this.#pairs.add(pair);
    const end = (): void => {
      if (this.#cut.has(pair.name ?? '')) return;
      close(pair);
      this.#pairs.delete(pair);
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    far.connect(target.port, target.host);
    near.on('data', (data) => {
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
