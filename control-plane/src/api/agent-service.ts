/** Agents' gRPC streams, as sessions. */
import { AgentService, type SendLogsResponse, type SessionRequest } from '@cell/proto';
import type { Server, ServerDuplexStream, sendUnaryData, UntypedHandleCall } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { addService, enteredCall } from '../add-service.ts';
import type { ExecCall } from './agent-execs.ts';
import type { LogsCall } from './agent-logs.ts';
import type { AgentSession, SessionStream } from './agent-session.ts';
import { callError } from './call-error.ts';
import { fetchSecrets } from './fetch-secrets.ts';
import { joinNode } from './join-node.ts';
import { nodeOf } from './node-caller.ts';
import { renewNode } from './renew-node.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import type { SessionMessage } from './session-outbox.ts';

type SessionCall = ServerDuplexStream<SessionRequest, { message: SessionMessage }>;

const { method } = AgentService;

export function registerAgentService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, AgentService, {
    session: ((call: SessionCall) => serveSession(call, parts)) as UntypedHandleCall,
    sendLogs: ((call: LogsCall, answer: sendUnaryData<SendLogsResponse>) =>
      void parts.agentLogs.accept(call, answer)) as UntypedHandleCall,
    serveExec: ((call: ExecCall) => void parts.agentExecs.accept(call)) as UntypedHandleCall,
    join: calls.unary(method.join, (request, context) => joinNode(parts, request, context)),
    renewCertificate: calls.unary(method.renewCertificate, (request, context) => renewNode(parts, request, context)),
    fetchSecrets: calls.unary(method.fetchSecrets, (request, context) => fetchSecrets(parts, request, context)),
  });
}

function serveSession(call: SessionCall, parts: MadeParts): void {
  let session: AgentSession;
  try {
    const nodeId = nodeOf(enteredCall(call).caller);
    const authorityId = parts.connections.connection(call.getPeer())?.authorityId ?? '';
    session = parts.sessions.open(sessionStream(call, parts.log), parts.reports, { nodeId, authorityId });
  } catch (error) {
    call.emit('error', callError(error, parts.log));
    return;
  }
  call.on('data', (request: SessionRequest) => session.receive(request));
  call.on('drain', () => session.drained());
  call.on('end', () => {
    session.gone();
    call.end();
  });
  // Whatever else ends the call, it closes.
  call.on('close', () => session.gone());
}

function sessionStream(call: SessionCall, log: Logger): SessionStream {
  return {
    send: (message) => call.write({ message }),
    end: (reason) => {
      if (!call.destroyed && !call.writableEnded) call.emit('error', callError(reason, log));
    },
  };
}
