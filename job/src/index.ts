/** What should run: the specification of a job, its rules, and how it stands in a job file. Pure, imports nothing. */
export { type AskedCapability, askedCapabilities } from './asked-capabilities.ts';
export { diffSpecs, type FieldChange } from './diff-specs.ts';
export { cutText, describeIssue, type Issue, type IssueKind, type IssuePath, renderPath } from './issue.ts';
export type * from './job-spec.ts';
export { DEFAULT_NAMESPACE, namespaceAllowed, secretNameAllowed } from './names.ts';
export { nearestWord } from './nearest-word.ts';
export { type JobParsing, type ParseJobOptions, parseJob } from './parse-job.ts';
export { renderJobFile } from './render-job-file.ts';
export { parseDuration, renderDuration } from './schema/duration.ts';
export { defaultOf, type FieldSchema, type SectionSchema } from './schema/field-schema.ts';
export { jobFileSchema } from './schema/job-file-schema.ts';
export { parseMemorySize, renderMemorySize } from './schema/memory-size.ts';
export { renderValue } from './toml-text.ts';
export { validateSpec } from './validate-spec.ts';
