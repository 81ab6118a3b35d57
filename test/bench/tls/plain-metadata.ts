/** Metadata in which a simulated agent says to a member in plain text which node it is. */
export const NODE_KEY = 'bench-node';
