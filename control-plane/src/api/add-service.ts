import type { DescService } from '@bufbuild/protobuf';
import { serviceDefinition } from '@cell/proto';
import type { Server, ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';

/** Puts a service on a server. `Handlers` names all its methods: one that is missing is our own mistake. */
export function addService<S extends DescService>(server: Server, service: S, handlers: Handlers<S>): void {
  // The definition's functions take exactly what the typed handlers give; grpc-js wants them to take anything.
  server.addService(serviceDefinition(service) as unknown as ServiceDefinition, handlers);
}

export type Handlers<S extends DescService> = Readonly<Record<keyof S['method'] & string, UntypedHandleCall>>;
