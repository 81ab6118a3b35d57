import { readFileSync } from 'node:fs';

/**
 * Which part may import which: the table of the design. Each rule has a planted violation in test/gate/.
 *
 * Paths are relative to the root. Packages import each other through their public door, which resolves to a path
 * such as raft/src/index.ts. Tests beside the sources may also use Node and the test tools, nothing else.
 */
const { workspaces } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const PACKAGES = `^(${workspaces.filter((name) => name !== 'test').join('|')})/`;
/** Tests, and what only tests use: generators of arbitrary values, and the suites that each implementation passes. */
const TESTS = String.raw`\.test\.ts$|-(arbitraries|suite)\.ts$|(^|/)testing/`;
const NPM = 'node_modules/';
const NODE_BUILT_IN = ['core'];
/** Folders that settings name are made the same everywhere. */
const MAKE_FOLDER = String.raw`^config/src/make-folder\.ts$`;

/** Sources below `from` import only what matches `allowed`, and of Node itself nothing unless `node` is true. */
function only(name, comment, from, allowed, { node = false, fromNot = [] } = {}) {
  const to = { pathNot: allowed };
  if (node) to.dependencyTypesNot = NODE_BUILT_IN;
  return { name, comment, severity: 'error', from: { path: from, pathNot: [TESTS, ...fromNot] }, to };
}

function never(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to };
}

const edgePackages = `${NPM}(@bufbuild/protobuf|@grpc/grpc-js|pino|prom-client)/`;

export default {
  forbidden: [
    only('raft-core-imports-nothing', 'The core is pure: not even Node.', '^raft/src/core/', ['^raft/src/core/']),
    only('raft-stands-alone', 'Raft imports nothing but Node.', '^raft/src/', ['^raft/src/'], {
      node: true,
      fromNot: ['^raft/src/core/'],
    }),
    never(
      'raft-product-without-its-harness',
      'The simulator and the conformance runner exercise the product; it knows nothing of them.',
      { path: '^raft/src/(core|codec|storage|driver)/|^raft/src/index', pathNot: TESTS },
      { path: '^raft/src/(simulator|conformance)/' },
    ),
    only('proto-imports-protobuf', 'Contracts need their runtime only.', '^proto/src/', [
      '^proto/src/',
      `${NPM}@bufbuild/protobuf/`,
    ]),
    only(
      'config-imports-its-parser',
      'Settings are read the same everywhere.',
      '^config/src/',
      ['^config/src/', `${NPM}toml-eslint-parser/`],
      { node: true },
    ),
    only(
      'daemon-imports-config',
      'What daemons have in common knows none of them.',
      '^daemon/src/',
      ['^(daemon|config)/src/', `${NPM}pino/`],
      { node: true },
    ),
    only(
      'identity-imports-grpc',
      'Both sides of a connection know who is who, and nothing else of each other.',
      '^identity/src/',
      ['^identity/src/', `${NPM}@grpc/grpc-js/`],
      { node: true },
    ),
    only('job-imports-nothing', 'Job files are understood everywhere.', '^job/src/', ['^job/src/'], {
      fromNot: [String.raw`^job/src/wire\.ts$`],
    }),
    only(
      'job-wire-imports-proto',
      "A job's wire form is the one door to the contracts.",
      String.raw`^job/src/wire\.ts$`,
      ['^(job|proto)/src/', `${NPM}@bufbuild/protobuf/`],
    ),
    only('model-imports-job', 'The model is pure.', '^control-plane/src/model/', [
      '^control-plane/src/model/',
      '^job/src/',
    ]),
    only('state-imports-model', 'The replicated state is pure.', '^control-plane/src/state/', [
      '^control-plane/src/(state|model)/',
      '^job/src/',
      String.raw`^identity/src/audit-hash\.ts$`,
    ]),
    only(
      'audit-hash-is-pure',
      'The replicated state computes it: of Node it has the hash function, which gives the same everywhere.',
      String.raw`^identity/src/audit-hash\.ts$`,
      ['^(node:)?crypto$'],
    ),
    only('plan-imports-state', 'Planning is pure.', '^control-plane/src/plan/', [
      '^control-plane/src/(plan|state|model)/',
      '^job/src/',
    ]),
    ...['execute', 'consensus', 'api', 'http', 'access', 'authority', 'listen'].map((edge) =>
      only(
        `${edge}-imports-inwards`,
        'Edges meet in ports.ts and main.ts, not in each other.',
        `^control-plane/src/${edge}/`,
        [
          String.raw`^control-plane/src/(${edge}|plan|state|model)/|^control-plane/src/(ports|add-service|caller-counts|[a-z-]+-error)\.ts$`,
          '^(raft|proto|job|identity)/src/',
          edgePackages,
          // Who may read a member's pages is a setting that both daemons have.
          ...(edge === 'http' ? ['^config/src/'] : []),
          ...(edge === 'authority' ? [MAKE_FOLDER] : []),
        ],
        { node: true },
      ),
    ),
    only(
      'entering-imports-consensus',
      'Entering a cluster and recovering one come before a member serves, and know nothing of what it serves.',
      '^control-plane/src/(founding|recovery)/',
      [
        '^control-plane/src/(founding|recovery|consensus|state|model)/',
        String.raw`^control-plane/src/(ports|[a-z-]+-error)\.ts$`,
        '^(raft|proto|job|identity)/src/',
        MAKE_FOLDER,
        edgePackages,
      ],
      { node: true },
    ),
    never(
      'control-plane-stays-apart',
      'The control plane meets agents and people by contract only.',
      { path: '^control-plane/' },
      { path: '^(agent|sdk|cli)/' },
    ),
    only('reconcile-imports-its-own', 'Reconciling is pure.', '^agent/src/reconcile/', ['^agent/src/reconcile/']),
    only(
      'agent-imports-proto',
      'An agent knows contracts, not the control plane.',
      '^agent/src/',
      [
        String.raw`^agent/package\.json$`,
        '^(agent|proto|config|daemon|identity)/src/',
        // What jobs are is the control plane's affair; what becomes the name of a file is checked by the same rule.
        String.raw`^job/src/credential-name\.ts$`,
        NPM,
      ],
      {
        node: true,
        fromNot: ['^agent/src/reconcile/'],
      },
    ),
    only(
      'sdk-imports-contracts',
      'The client knows contracts and job files.',
      '^sdk/src/',
      ['^(sdk|proto|job|identity)/src/', NPM],
      {
        node: true,
      },
    ),
    only(
      'cli-imports-sdk',
      'What people can do, programs can do.',
      '^cli/src/',
      [String.raw`^cli/package\.json$`, '^(cli|sdk|job|config)/src/', NPM],
      {
        node: true,
        fromNot: ['^cli/src/commands/dev/'],
      },
    ),
    only(
      'cli-dev-starts-a-fleet',
      'One command runs a control plane and an agent in its own process.',
      '^cli/src/commands/dev/',
      ['^(cli|sdk|job|config|control-plane|agent)/src/', NPM],
      { node: true },
    ),
    only(
      'packaging-imports-its-bundler',
      'Packages are made of the programs as files; nothing of them runs here.',
      '^packaging/src/',
      ['^packaging/src/', `${NPM}rolldown/`],
      { node: true },
    ),
    never('nothing-imports-test', 'Tests stand outside.', { path: `${PACKAGES}|^scripts/` }, { path: '^test/' }),
    never(
      'nothing-imports-the-root',
      'Scripts are for people and for the gate.',
      { path: PACKAGES },
      { path: '^(scripts/|[^/]+$)', dependencyTypesNot: ['core', 'npm', 'npm-dev', 'unknown'] },
    ),
    never(
      'daemon-for-programs',
      'Processes are for programs: what they are made of runs in tests and in other programs too.',
      { path: '^(control-plane|agent)/', pathNot: String.raw`^(control-plane|agent)/src/main\.ts$` },
      { path: '^daemon/' },
    ),
    never(
      'nothing-imports-main',
      'main.ts puts the parts together; no part reaches up.',
      { path: PACKAGES },
      { path: String.raw`^[^/]+/src/main\.ts$` },
    ),
    never(
      'product-without-test-tools',
      'Test tools and tests stay out of what is shipped.',
      { path: PACKAGES, pathNot: TESTS },
      { path: `${NPM}(vitest|fast-check)/|${TESTS}` },
    ),
    never(
      'public-door-only',
      'A package is used by its name, through what it exports.',
      { path: '^([^/]+)/', pathNot: '^scripts/' },
      { path: PACKAGES, pathNot: '^$1/', dependencyTypes: ['local'] },
    ),
    never(
      'agent-stays-apart',
      'Agents meet the control plane by contract only, in tests too.',
      { path: '^agent/' },
      { path: '^(control-plane|raft|sdk|cli)/' },
    ),
    never('no-cycle', 'A cycle is one module in several files.', {}, { circular: true }),
    never('resolvable', 'What is imported is there.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: NPM },
    exclude: { path: '/src/gen/' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
