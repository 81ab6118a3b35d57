/** Of commands about one secret. */
export const namespaceFlagSpecs = {
  namespace: {
    kind: 'text',
    value: 'NAMESPACE',
    summary: 'of the jobs that may use it (default: "default", or the only one of your token)',
  },
} as const;
