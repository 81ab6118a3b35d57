import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { DirectoryKind, JobSpecSchema, type JobType, type Sandbox } from '@cell/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeIssue } from './issue.ts';
import { arbitraryJobSpec } from './testing/job-spec-arbitraries.ts';
import { validateSpec } from './validate-spec.ts';
import { specFromProto, specToProto } from './wire.ts';

test('a specification comes back from the wire as it went, down to the order of its JSON', () => {
  fc.assert(
    fc.property(arbitraryJobSpec, (spec) => {
      const bytes = toBinary(JobSpecSchema, specToProto(spec));
      const back = specFromProto(fromBinary(JobSpecSchema, bytes));
      expect(back).toStrictEqual(spec);
      expect(JSON.stringify(back.environment)).toBe(JSON.stringify(spec.environment));
    }),
  );
});

test('an empty message and enum values of a later version are refused, not taken for defaults', () => {
  const refused = (message: Parameters<typeof specFromProto>[0]) =>
    validateSpec(specFromProto(message)).map(describeIssue);
  const complaints = refused(create(JobSpecSchema));
  for (const path of ['name', 'type', 'command', 'resources.cpu', 'resources.memory', 'restart.mode', 'stop.signal']) {
    expect(complaints.some((complaint) => complaint.startsWith(`${path} = `))).toBe(true);
  }
  expect(complaints).toContain('type = "unknown (0)": must be "service", "batch" or "system"');
  const later = create(JobSpecSchema, { type: 99 as unknown as JobType });
  expect(refused(later)).toContain('type = "unknown (99)": must be "service", "batch" or "system"');
});

test('a client from before there were sandboxes asks for none in particular; words of a later version are refused', () => {
  const of = (message: Parameters<typeof create<typeof JobSpecSchema>>[1]) =>
    specFromProto(create(JobSpecSchema, message));
  expect(of({}).sandbox).toBe('default');
  expect(of({})).toMatchObject({ namespace: 'default', secrets: {} });
  expect(of({})).toMatchObject({ dynamicUser: false, network: { private: false, deny: [] }, limits: { tasksMax: 0 } });
  const later = of({ sandbox: 99 as Sandbox, directories: [DirectoryKind.LOGS, 99 as DirectoryKind] });
  const complaints = validateSpec(later).map(describeIssue);
  expect(complaints).toContain('sandbox = "unknown (99)": must be "default", "strict" or "none"');
  expect(complaints).toContain('directories[1] = "unknown (99)": must be "state", "cache" or "logs"');
});
