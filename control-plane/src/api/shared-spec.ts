import type { JobSpec } from '@cell/job';
import { specToProto } from '@cell/job/wire';

type ProtoSpec = ReturnType<typeof specToProto>;

/** A spec is the same object for all allocations of a job version, and is sent with each of them. */
const protoSpecs = new WeakMap<JobSpec, ProtoSpec>();
const sizes = new WeakMap<JobSpec, number>();

export function sharedSpecToProto(spec: JobSpec): ProtoSpec {
  let message = protoSpecs.get(spec);
  if (message === undefined) {
    message = specToProto(spec);
    protoSpecs.set(spec, message);
  }
  return message;
}

/** About how many bytes it takes on the wire, rather more than less. */
export function specBytes(spec: JobSpec): number {
  let bytes = sizes.get(spec);
  if (bytes === undefined) {
    bytes = Buffer.byteLength(JSON.stringify(spec));
    sizes.set(spec, bytes);
  }
  return bytes;
}
