/** What a control-plane member does on its own. */
export { startExecutor } from './start-executor.ts';
