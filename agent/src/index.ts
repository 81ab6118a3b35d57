/** The agent as a library: what `cellctl dev` and tests start in their own process. */
export { AgentError, type AgentErrorCode } from './agent-error.ts';
export type { AgentConfig } from './config/agent-config.ts';
export { MemoryRuntime } from './runtime/memory/memory-runtime.ts';
export { type Agent, type AgentOverrides, startAgent } from './start-agent.ts';
