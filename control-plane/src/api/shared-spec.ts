import type { JobSpec } from '@cell/job';
import { specToProto } from '@cell/job/wire';

type ProtoSpec = ReturnType<typeof specToProto>;

/** A spec is the same object for all allocations of a job version, and is sent with each of them. */
const protoSpecs = new WeakMap<JobSpec, ProtoSpec>();

export function sharedSpecToProto(spec: JobSpec): ProtoSpec {
  let message = protoSpecs.get(spec);
  if (message === undefined) {
    message = specToProto(spec);
    protoSpecs.set(spec, message);
  }
  return message;
}
