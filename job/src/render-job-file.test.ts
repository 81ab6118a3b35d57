import fc from 'fast-check';
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { expect, test } from 'vitest';
import { describeIssue } from './issue.ts';
import { parseJob } from './parse-job.ts';
import { renderJobFile } from './render-job-file.ts';
import { arbitraryJobSpec } from './testing/job-spec-arbitraries.ts';

test('reading what was written gives the same specification, and writing that the same text', () => {
  fc.assert(
    fc.property(arbitraryJobSpec, (spec) => {
      const text = renderJobFile(spec);
      const parsing = parseJob(getStaticTOMLValue(parseTOML(text, { tomlVersion: '1.0' })));
      if ('issues' in parsing) throw new Error(parsing.issues.map(describeIssue).join('\n'));
      expect(parsing.spec).toStrictEqual(spec);
      expect(renderJobFile(parsing.spec)).toBe(text);
    }),
  );
});

test('a specification is written as people write job files', () => {
  const parsing = parseJob({
    name: 'web',
    count: 3,
    command: ['sh', '-c', 'echo "a"\n\u007f'],
    environment: { LANG: 'C' },
    ports: [{ name: 'http' }, { name: 'admin', port: 9000 }],
    constraints: [{ attribute: 'os.id', operator: 'not in', value: ['alpine', 'void'] }],
    health: { type: 'http', port: 'http' },
  });
  expect('spec' in parsing && renderJobFile(parsing.spec)).toMatchInlineSnapshot(`
    "name = "web"
    namespace = "default"
    type = "service"
    count = 3
    command = ["sh", "-c", "echo \\"a\\"\\n\\u007f"]
    on_disconnect = "keep"
    sandbox = "default"
    dynamic_user = false

    [environment]
    LANG = "C"

    [resources]
    cpu = 0.1
    memory = "128MiB"

    [[ports]]
    name = "http"
    port = 0

    [[ports]]
    name = "admin"
    port = 9000

    [[constraints]]
    attribute = "os.id"
    operator = "not in"
    value = ["alpine", "void"]

    [health]
    type = "http"
    port = "http"
    path = "/"
    interval = "10s"
    timeout = "3s"
    healthy_threshold = 1
    unhealthy_threshold = 3
    grace = "10s"

    [restart]
    mode = "always"
    attempts = 5
    window = "5m"
    delay = "1s"
    delay_max = "30s"

    [stop]
    signal = "SIGTERM"
    timeout = "10s"

    [network]
    private = false
    "
  `);
});
