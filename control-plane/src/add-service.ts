/** The one way to put a service on a server: no method is called before the guard has let the call in. */
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { serviceDefinition } from '@cell/proto';
import type { Server, ServiceDefinition, StatusObject, sendUnaryData, UntypedHandleCall } from '@grpc/grpc-js';
import { CellError } from './cell-error.ts';
import { ERROR_CODE_KEY, toServiceError } from './grpc-error.ts';
import type { EnteredCall, Guard, GuardedCall } from './ports.ts';

/** `Handlers` names all methods of the service: one that is missing is our own mistake. */
export function addService<S extends DescService>(
  server: Server,
  guard: Guard,
  service: S,
  handlers: Handlers<S>,
): void {
  const given: Readonly<Record<string, UntypedHandleCall>> = handlers;
  const guarded = service.methods.map((method) => {
    return [method.localName, guardedHandler(guard, method, given[method.localName]!)];
  });
  // The definition's functions take exactly what the typed handlers give; grpc-js wants them to take anything.
  const definition = serviceDefinition(service) as unknown as ServiceDefinition;
  server.addService(definition, Object.fromEntries(guarded) as Record<string, UntypedHandleCall>);
}

export type Handlers<S extends DescService> = Readonly<Record<keyof S['method'] & string, UntypedHandleCall>>;

const enteredCalls = new WeakMap<object, EnteredCall>();

/** Who makes a call: for handlers, of the call that grpc-js gave them. */
export function enteredCall(call: object): EnteredCall {
  const entered = enteredCalls.get(call);
  if (entered === undefined) throw new Error('A call is handled that no guard has let in');
  return entered;
}

/** What handlers are given, whatever kind of method they are for. */
interface AnyCall extends GuardedCall {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  once(event: 'cancelled', listener: () => void): unknown;
  emit(event: 'error', error: StatusObject): boolean;
  destroy?(): unknown;
}

type AnyHandler = (call: AnyCall, reply?: sendUnaryData<unknown>) => void;

function guardedHandler(guard: Guard, method: DescMethod, handler: UntypedHandleCall): UntypedHandleCall {
  const handle = handler as unknown as AnyHandler;
  const guarded: AnyHandler = (call, reply) => {
    let entered: EnteredCall;
    try {
      entered = guard.enter(method, call);
    } catch (error) {
      refuse(error, call, reply);
      return;
    }
    enteredCalls.set(call, entered);
    if (reply === undefined) {
      followStream(call, entered);
      handle(call);
    } else {
      handle(call, (error, ...answer) => {
        entered.ended(error === null ? 'ok' : outcomeOf(error));
        reply(error, ...answer);
      });
    }
  };
  return guarded as UntypedHandleCall;
}

function refuse(error: unknown, call: AnyCall, reply: sendUnaryData<unknown> | undefined): void {
  // A guard that fails lets nobody in, and tells strangers nothing of why.
  const coded = error instanceof CellError ? error : new CellError('CELL_E_INTERNAL', 'The call could not be checked');
  if (reply === undefined) {
    call.emit('error', toServiceError(coded));
    return;
  }
  reply(toServiceError(coded));
  // Of a stream to us, nothing more is read.
  call.destroy?.();
}

function followStream(call: AnyCall, entered: EnteredCall): void {
  let outcome = 'ok';
  call.on('error', (error) => {
    outcome = outcomeOf(error);
  });
  // grpc-js says so at the end of every call.
  call.once('cancelled', () => entered.ended(outcome));
}

function outcomeOf(error: unknown): string {
  const { metadata } = error as Partial<StatusObject>;
  return metadata?.get(ERROR_CODE_KEY)[0]?.toString() ?? 'CELL_E_INTERNAL';
}
