// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are filled in by the agent
import { expect, test } from 'vitest';
import { desiredOf } from '../testing/desired.ts';
import { runRequestOf } from './workload-environment.ts';

const node = { name: 'node-1', address: '127.0.0.1', path: '/bin' };

test('runRequestOf() fills in values everywhere and gives the allocation its own', () => {
  const desired = desiredOf({
    id: 'alloc1',
    instance: 2,
    jobVersion: 3,
    ports: { http: 20_001, 'web-admin': 20_002 },
    command: ['serve', '--port', '${CELL_PORT_HTTP}', '$HOME ${HOME} ${CELL_JOB}/${CELL_INSTANCE}'],
    environment: { ADMIN: '${CELL_ADDRESS}:${CELL_PORT_WEB_ADMIN}', LANG: 'de_DE', CELL_NODE: 'not mine to say' },
    workingDirectory: '/srv/${CELL_NODE}',
    user: 'www',
  });
  expect(runRequestOf(desired, 4, node, { workFolder: '/data/work', secretsFolder: '/run/a' })).toEqual({
    id: 'alloc1',
    run: 4,
    command: ['serve', '--port', '20001', '$HOME ${HOME} web/2'],
    environment: {
      PATH: '/bin',
      HOME: '/data/work',
      LANG: 'de_DE',
      ADMIN: '127.0.0.1:20002',
      CELL_JOB: 'web',
      CELL_JOB_VERSION: '3',
      CELL_ALLOCATION: 'alloc1',
      CELL_INSTANCE: '2',
      CELL_NODE: 'node-1',
      CELL_ADDRESS: '127.0.0.1',
      CELL_PORT_HTTP: '20001',
      CELL_PORT_WEB_ADMIN: '20002',
    },
    user: 'www',
    workingDirectory: '/srv/node-1',
    jobName: 'web',
    instance: 2,
    isolation: desired.isolation,
    secretsFolder: '',
    stop: desired.stop,
  });
});

test('runRequestOf() refuses a reference to what is not there', () => {
  const desired = desiredOf({ environment: { A: '${CELL_PORT_HTP}' }, ports: { http: 1 } });
  expect(() => runRequestOf(desired, 1, node, { workFolder: '/w', secretsFolder: '' })).toThrow(
    /^Could not fill in "\$\{CELL_PORT_HTP\}" in environment\.A; known are "CELL_JOB".*"CELL_PORT_HTTP"$/,
  );
});
