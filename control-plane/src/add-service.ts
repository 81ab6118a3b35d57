/** The one way to put a service on a server: no method is called before the guard has let the call in. */

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { methodDefinition, serviceDefinition } from '@cell/proto';
import {
  type Responder,
  Server,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerListener,
  type ServerOptions,
  type ServiceDefinition,
  type StatusObject,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { CellError } from './cell-error.ts';
import { outcomeOf, toServiceError } from './grpc-error.ts';
import type { EnteredCall, Guard, GuardedCall } from './ports.ts';
import { RequestIntake } from './request-intake.ts';
import type { StreamIntake } from './stream-intake.ts';

/** `Handlers` names all methods of the service: one that is missing is our own mistake. */
export function addService<S extends DescService>(
  server: Server,
  guard: Guard,
  service: S,
  handlers: Handlers<S>,
): void {
  const given: Readonly<Record<string, UntypedHandleCall>> = handlers;
  const guarded = service.methods.map((method) => {
    methodsByPath.set(methodDefinition(method).path, method);
    return [method.localName, guardedHandler(guard, method, given[method.localName]!)];
  });
  // The definition's functions take exactly what the typed handlers give; grpc-js wants them to take anything.
  const definition = serviceDefinition(service) as unknown as ServiceDefinition;
  server.addService(definition, Object.fromEntries(guarded) as Record<string, UntypedHandleCall>);
}

export type Handlers<S extends DescService> = Readonly<Record<keyof S['method'] & string, UntypedHandleCall>>;

const methodsByPath = new Map<string, DescMethod>();
/**
 * Where a call that was let in is kept: on its metadata, which is all that the entrance and the handler both have of a
 * call, and on the call that the handler was given. A weak map of what lives for a moment costs much at each garbage
 * collection.
 */
const ENTERED = Symbol('entered');
interface Marked {
  [ENTERED]?: EnteredCall;
}
/** Why streams were broken off for what they took, by their calls. */
const brokenOff = new WeakMap<EnteredCall, StatusObject>();

/**
 * A server that lets calls in by their headers. Without it that is done when the handler is called: requests are in
 * memory by then, as many and as large as one connection can send, whoever sends them.
 */
export function guardedServer(options: ServerOptions, guard: Guard): Server {
  return new Server({ ...options, interceptors: [guardedEntrance(guard)] });
}

function guardedEntrance(guard: Guard): ServerInterceptor {
  const intake = new RequestIntake();
  return ({ path, requestStream }, call) => {
    const incoming: Incoming = { entered: undefined, taken: undefined, isBrokenOff: false };
    const { stream, incomingEncoding } = innerCall(call as unknown as WrappedCall);
    const refuse = (error: unknown) => {
      call.sendStatus(refusalOf(error));
      // Else it stays for as long as the caller does not say that it has said all.
      stream!.close();
    };
    const breakOff = (entered: EnteredCall, error: unknown) => {
      const status = refusalOf(error);
      brokenOff.set(entered, status);
      incoming.isBrokenOff = true;
      // A status comes behind all that its caller has not read, so perhaps never.
      if (stream!.writableLength > 0) stream!.close(constants.NGHTTP2_CANCEL);
      else call.sendStatus(status);
    };
    const start: NonNullable<Responder['start']> = (next) =>
      next({
        ...(requestStream ? pacedMessages(incoming, () => letGo(stream!)) : undefined),
        onReceiveMetadata: (metadata, passOn) => {
          const method = methodsByPath.get(path);
          let entered: EnteredCall | undefined;
          try {
            checkEncoding(incomingEncoding);
            entered = method && guard.enter(method, { metadata, getPeer: () => call.getPeer() });
          } catch (error) {
            refuse(error);
            return;
          }
          if (entered !== undefined) {
            incoming.entered = entered;
            (metadata as Marked)[ENTERED] = entered;
            if (!requestStream) intake.watch(stream!, entered, refuse);
            else incoming.taken = intake.follow(stream!, entered, (error) => breakOff(entered, error));
          }
          passOn(metadata);
        },
      });
    return requestStream ? new StreamCall(call, start, incoming) : new ServerInterceptingCall(call, { start });
  };
}

/** A call that comes in. */
interface Incoming {
  entered: EnteredCall | undefined;
  /** Of a stream: what it takes of memory. */
  taken: StreamIntake | undefined;
  isBrokenOff: boolean;
}

/** Tells when its handler asks for a message. */
class StreamCall extends ServerInterceptingCall {
  readonly #incoming: Incoming;

  constructor(call: ServerInterceptingCallInterface, start: NonNullable<Responder['start']>, incoming: Incoming) {
    super(call, { start });
    this.#incoming = incoming;
  }

  override startRead(): void {
    this.#incoming.taken?.asked();
    super.startRead();
  }
}

/** A few bytes that are compressed can stand for very many, and grpc-js makes them many before anybody has a say. */
function checkEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity') return;
  const message = `Messages in the encoding "${encoding.slice(0, 20)}" are not taken: send them as they are`;
  throw new CellError('CELL_E_INVALID', message);
}

/** Each message of a stream waits until its caller may say more; no other is read meanwhile, and the connection fills. */
function pacedMessages(incoming: Incoming, close: () => void): Pick<ServerListener, 'onReceiveMessage' | 'onCancel'> {
  let cancel = () => {};
  return {
    onReceiveMessage: (message: unknown, pass: (message: unknown) => void) => {
      cancel = incoming.entered?.admit(message, () => pass(message)) ?? cancel;
    },
    // Also once it has its status.
    onCancel: () => {
      cancel();
      const isHalfSaid = incoming.taken?.answered() === true;
      // Later: in the same turn, the end of the stream would overtake its trailers, and nobody knew why it ended.
      if (incoming.isBrokenOff || isHalfSaid) setImmediate(close);
    },
  };
}

/** Of a call that is over: its caller would keep the stream for as long as it likes. What was said to it still arrives. */
function letGo(stream: ServerHttp2Stream): void {
  const isAnswered = stream.sentTrailers !== undefined || stream.sentHeaders?.['grpc-status'] !== undefined;
  stream.close(isAnswered ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL);
}

/** What grpc-js wraps a stream in: one call in another, as many as there are interceptors. */
interface WrappedCall {
  readonly nextCall?: WrappedCall;
  readonly stream?: ServerHttp2Stream;
  readonly incomingEncoding?: string;
}

/** The stream of a call that a handler was given: grpc-js has no way for a server to break one off. */
export function callStream(call: unknown): ServerHttp2Stream {
  return innerCall((call as { readonly call: WrappedCall }).call).stream!;
}

function innerCall(call: WrappedCall): WrappedCall {
  let inner = call;
  while (inner.nextCall !== undefined) inner = inner.nextCall;
  return inner;
}

/** Who makes a call: for handlers, of the call that grpc-js gave them. */
export function enteredCall(call: object): EnteredCall {
  const entered = (call as Marked)[ENTERED];
  if (entered === undefined) throw new Error('A call is handled that no guard has let in');
  return entered;
}

/** What handlers are given, whatever kind of method they are for. */
interface AnyCall extends GuardedCall {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  once(event: 'cancelled', listener: () => void): unknown;
  emit(event: 'error', error: StatusObject): boolean;
  destroy?(): unknown;
  readonly _readableState?: { highWaterMark: number };
}

type AnyHandler = (call: AnyCall, reply?: sendUnaryData<unknown>) => void;

function guardedHandler(guard: Guard, method: DescMethod, handler: UntypedHandleCall): UntypedHandleCall {
  const handle = handler as unknown as AnyHandler;
  const guarded: AnyHandler = (call, reply) => {
    let entered: EnteredCall;
    try {
      const early = (call.metadata as Marked)[ENTERED];
      entered = early ?? guard.enter(method, call);
      // Headers can come long before the request: who was let in by them may have been shut out since.
      early?.confirm();
    } catch (error) {
      refuse(error, call, reply);
      return;
    }
    (call as Marked)[ENTERED] = entered;
    if (reply === undefined) {
      followStream(call, entered);
      handle(call);
    } else {
      handle(call, (error, ...answer) => {
        if (error === null) entered.ended('ok');
        else end(entered, error);
        reply(error, ...answer);
      });
    }
  };
  return guarded as UntypedHandleCall;
}

/** A guard that fails lets nobody in, and tells strangers nothing of why. */
function refusalOf(error: unknown): StatusObject {
  const coded = error instanceof CellError ? error : new CellError('CELL_E_INTERNAL', 'The call could not be checked');
  return toServiceError(coded);
}

function refuse(error: unknown, call: AnyCall, reply: sendUnaryData<unknown> | undefined): void {
  if (reply === undefined) {
    call.emit('error', refusalOf(error));
    return;
  }
  reply(refusalOf(error));
  // Of a stream to us, nothing more is read.
  call.destroy?.();
}

function followStream(call: AnyCall, entered: EnteredCall): void {
  // What a handler does not read yet shall be counted as waiting: 16 messages would be read ahead.
  if (call._readableState !== undefined) call._readableState.highWaterMark = 1;
  let failure: unknown;
  call.on('error', (error) => {
    failure = error;
  });
  // grpc-js says so at the end of every call.
  call.once('cancelled', () => {
    failure = brokenOff.get(entered) ?? failure;
    if (failure === undefined) entered.ended('ok');
    else end(entered, failure);
  });
}

function end(entered: EnteredCall, failure: unknown): void {
  const { code, refusal } = outcomeOf(failure as object);
  entered.ended(code, refusal);
}
