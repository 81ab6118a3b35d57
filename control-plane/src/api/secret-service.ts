import { SecretService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

const { method } = SecretService;

/** Secrets for jobs. */
export function registerSecretService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, SecretService, {
    setSecret: calls.unary(method.setSecret, () => refuse()),
    listSecrets: calls.unary(method.listSecrets, () => refuse()),
    removeSecret: calls.unary(method.removeSecret, () => refuse()),
  });
}

function refuse(): never {
  throw new CellError('CELL_E_UNSUPPORTED', 'This member does not do that yet');
}
