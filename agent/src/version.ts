import manifest from '../package.json' with { type: 'json' };

/** Of the agent, as its package says. */
export const agentVersion: string = manifest.version;
