import manifest from '../package.json' with { type: 'json' };

/** The version that this program says it is. */
export const VERSION: string = manifest.version;
