/** Callers and methods as they stand in the audit log. */
import type { DescMethod } from '@bufbuild/protobuf';
import type { Caller } from '../ports.ts';

/** "token/<name> (<id>)", "node/<id>", "member/<id>" or "nobody". */
export function actorOf(caller: Caller): string {
  if (caller.kind === 'person') return `token/${caller.name} (${caller.tokenId})`;
  return caller.kind === 'nobody' ? 'nobody' : `${caller.kind}/${caller.id}`;
}

const names = new WeakMap<DescMethod, string>();

/** Service and method: "JobService/SubmitJob". */
export function methodNameOf(method: DescMethod): string {
  let name = names.get(method);
  if (name === undefined) {
    name = `${method.parent.name}/${method.name}`;
    names.set(method, name);
  }
  return name;
}
