import { IdentityService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

const { method } = IdentityService;

/** Tokens, certificates and the audit log. */
export function registerIdentityService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, IdentityService, {
    getCaller: calls.unary(method.getCaller, () => refuse()),
    createToken: calls.unary(method.createToken, () => refuse()),
    listTokens: calls.unary(method.listTokens, () => refuse()),
    revokeToken: calls.unary(method.revokeToken, () => refuse()),
    issueCertificate: calls.unary(method.issueCertificate, () => refuse()),
    getAuthorities: calls.unary(method.getAuthorities, () => refuse()),
    rotateAuthority: calls.unary(method.rotateAuthority, () => refuse()),
    retireAuthority: calls.unary(method.retireAuthority, () => refuse()),
    rotateKey: calls.unary(method.rotateKey, () => refuse()),
    listAudit: calls.streaming(method.listAudit, () => refuse()),
  });
}

function refuse(): never {
  throw new CellError('CELL_E_UNSUPPORTED', 'This member does not do that yet');
}
