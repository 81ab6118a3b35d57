import type { ConfState, HardState, NodeId, SnapshotMeta } from '../core/types.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Members per list of a configuration. Clusters have 3 to 7; this is only a bound for damaged input. */
export const MEMBERS_MAX = 1024;

export function writeHardState(writer: ByteWriter, state: HardState): void {
  writer.varint(state.term);
  writer.varint(state.vote);
  writer.varint(state.commit);
}

export function readHardState(reader: ByteReader): HardState {
  return { term: reader.varint(), vote: reader.varint(), commit: reader.varint() };
}

export function writeConfState(writer: ByteWriter, conf: ConfState): void {
  writeMembers(writer, conf.voters);
  writeMembers(writer, conf.learners);
  writeMembers(writer, conf.votersOutgoing);
  writeMembers(writer, conf.learnersNext);
  writer.byte(conf.autoLeave ? 1 : 0);
}

export function readConfState(reader: ByteReader): ConfState {
  return {
    voters: readMembers(reader),
    learners: readMembers(reader),
    votersOutgoing: readMembers(reader),
    learnersNext: readMembers(reader),
    autoLeave: readFlag(reader),
  };
}

export function writeSnapshotMeta(writer: ByteWriter, meta: SnapshotMeta): void {
  writer.varint(meta.index);
  writer.varint(meta.term);
  writeConfState(writer, meta.conf);
}

export function readSnapshotMeta(reader: ByteReader): SnapshotMeta {
  return { index: reader.varint(), term: reader.varint(), conf: readConfState(reader) };
}

function writeMembers(writer: ByteWriter, members: readonly NodeId[]): void {
  writer.varint(members.length);
  for (const member of members) writer.varint(member);
}

function readMembers(reader: ByteReader): NodeId[] {
  const count = reader.count(MEMBERS_MAX, 1);
  const members: NodeId[] = [];
  for (let i = 0; i < count; i += 1) members.push(reader.varint());
  return members;
}

function readFlag(reader: ByteReader): boolean {
  const value = reader.byte();
  if (value > 1) throw reader.error('malformed', `Flag is neither 0 nor 1: ${value}`);
  return value === 1;
}
