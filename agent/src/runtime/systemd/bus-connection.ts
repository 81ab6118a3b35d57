import dbus from 'dbus-native';
import { AgentError } from '../../agent-error.ts';
import { Gate } from '../../gate.ts';

/** A value with its D-Bus type, such as `variant('as', ['a'])`. */
export function variant(signature: string, value: unknown): unknown {
  return new dbus.Variant(signature, value);
}

export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

export interface BusSignal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface BusListener {
  /** Of systemd, or of the bus itself. */
  onSignal(signal: BusSignal): void;
  /** Connected again after a loss: match rules are in place; nothing is heard before `learnOwner`. */
  onReconnected(): void;
  onLost(): void;
}

/** dbus-daemon answers at most 128 calls of one connection at a time (`max_replies_per_connection`), and refuses more. */
const CALLS_MAX = 64;
const CALL_MS_MAX = 30_000;
const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 2_000;
const SIGNAL_TYPE = 4;
/** The bus itself: nobody else can send by this name. */
const BUS = 'org.freedesktop.DBus';
/** More than what systemd says of 10,000 units; somebody who sends it more must not keep the agent busy reading. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

/**
 * A connection with the system bus that comes back when the bus does. What was under way when it went away fails.
 *
 * Match rules only ask for more: whoever is on the bus, and every user of the machine may be, can send signals to this
 * connection alone. So those are heard only that come from whoever owns the name now that is trusted.
 */
export class BusConnection {
  readonly #bus: dbus.MessageBus;
  readonly #calls = new Gate(CALLS_MAX);
  readonly #trusted: string;
  /** The connection that owns the trusted name, such as ":1.0"; empty if none does, or not known. */
  #owner = '';

  /** `trusted`: whose signals are heard. Rejects with `CELL_E_UNSUPPORTED` if nobody answers at the socket. */
  static async open(
    { socketPath, rules, trusted }: { socketPath: string; rules: readonly string[]; trusted: string },
    listener: BusListener,
  ): Promise<BusConnection> {
    const reconnect = { minDelay: RECONNECT_MS_MIN, maxDelay: RECONNECT_MS_MAX };
    const bus = dbus.createClient({
      socket: socketPath,
      timeout: CALL_MS_MAX,
      reconnect,
      maxMessageSize: MESSAGE_BYTES_MAX,
    });
    try {
      await connected(bus);
      const connection = new BusConnection(bus, trusted, listener);
      await bus.addMatch(
        `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${trusted}'`,
      );
      for (const rule of rules) await bus.addMatch(rule);
      await connection.learnOwner();
      return connection;
    } catch (error) {
      bus.connection.end();
      const why = (error as Error).message;
      const message = `Could not reach the system bus at "${socketPath}": ${why}; start "dbus.service", or set runtime = "process"`;
      throw new AgentError('CELL_E_UNSUPPORTED', message, { cause: error });
    }
  }

  private constructor(bus: dbus.MessageBus, trusted: string, listener: BusListener) {
    this.#bus = bus;
    this.#trusted = trusted;
    bus.connection.on('message', ({ type, sender, path = '', interface: name = '', member = '', body = [] }) => {
      if (type !== SIGNAL_TYPE) return;
      if (sender === BUS && member === 'NameOwnerChanged' && body[0] === trusted) this.#owner = String(body[2]);
      else if (sender === undefined || sender !== this.#owner) return;
      listener.onSignal({ path, interface: name, member, body });
    });
    bus.connection.on('close', () => {
      // When the bus is another one, somebody else may have that number.
      this.#owner = '';
      listener.onLost();
    });
    bus.on('reconnected', () => listener.onReconnected());
    // It got through and lost the connection again at once: it comes back, or not, like any other time.
    bus.on('reconnectError', () => undefined);
  }

  /** What is answered; several values come as an array. Rejects with an error whose `dbusName` says what is refused. */
  call<T>(call: BusCall): Promise<T> {
    const { body, ...message } = call;
    return this.#calls.through(() => {
      return Promise.resolve(this.#bus.invoke<T>(body === undefined ? message : { ...message, body: [...body] }));
    });
  }

  close(): Promise<void> {
    return this.#bus.close();
  }

  /** If nobody owns the name yet, the bus tells who does, once it is so. Rejects if the bus is away again. */
  async learnOwner(): Promise<void> {
    const call = { destination: BUS, path: '/org/freedesktop/DBus', interface: BUS, member: 'GetNameOwner' };
    try {
      this.#owner = await this.call<string>({ ...call, signature: 's', body: [this.#trusted] });
    } catch (error) {
      if (!isRefusal(error, 'NameHasNoOwner')) throw error;
    }
  }
}

/** Whether systemd or the bus refused a call for that reason: the last part of the error's D-Bus name. */
export function isRefusal(error: unknown, reason: string): boolean {
  return (error as { dbusName?: string }).dbusName?.split('.').at(-1) === reason;
}

/** Resolves once it can be used. Without this, an unreachable bus would be tried for ever. */
function connected(bus: dbus.MessageBus): Promise<void> {
  return new Promise((resolve, reject) => {
    bus.connection.on('error', reject);
    bus.connection.once('reconnecting', ({ cause }: { readonly cause?: Error }) =>
      reject(cause ?? new Error('it hung up')),
    );
    bus.connection.once('connect', resolve);
  });
}
