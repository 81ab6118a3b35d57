/** What a control-plane member serves to people and agents. */
export { registerServices } from './register-services.ts';
export { serverOptions } from './serve.ts';
export { SessionRegistry } from './session-registry.ts';
