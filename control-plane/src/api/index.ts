/** What a control-plane member serves to people and agents. */
export type { SessionSettings } from './agent-session.ts';
export { registerServices } from './register-services.ts';
export { serverOptions } from './serve.ts';
export type { ServedPeerRequests, ServiceParts } from './service-parts.ts';
export { type RegistryParts, SessionRegistry } from './session-registry.ts';
