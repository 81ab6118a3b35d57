import { draftMessage, NO_BYTES } from '../../core/message.ts';
import type { ConfChange, ConfChangeTransition, MessageType, NodeId } from '../../core/types.ts';
import { firstVersionContext, parseChanges } from '../conf-change-text.ts';
import { entriesText, messageText } from '../message-text.ts';
import { MESSAGE_NAMES, ROLE_NAMES } from '../names.ts';
import { progressMapText } from '../progress-text.ts';
import type { Directive } from '../transcript.ts';
import { addNodes } from './add-nodes.ts';
import type { Recipient } from './environment.ts';
import { Environment, errorText } from './environment.ts';

/** Runs the commands of interaction transcripts, one after the other, on one cluster. */
export class InteractionRun {
  private readonly environment = new Environment();

  run(directive: Directive): string {
    const { output } = this.environment;
    try {
      execute(this.environment, directive);
    } catch (error) {
      const text = errorText(error);
      if (output.quiet) return text;
      output.write(text);
    }
    const text = output.take();
    return text === '' ? 'ok' : text;
  }
}

function execute(environment: Environment, directive: Directive): void {
  const { output } = environment;
  const ids = directive.args.filter(({ values }) => values.length === 0).map(({ key }) => Number(key));
  const first = ids[0] ?? 0;
  switch (directive.command) {
    case '_breakpoint':
      return;
    case 'add-nodes':
      addNodes(environment, directive);
      return;
    case 'campaign':
      environment.member(first).node.campaign();
      return;
    case 'compact':
      environment.member(first).log.compact(ids[1] ?? 0);
      raftLog(environment, first);
      return;
    case 'deliver-msgs':
      deliver(environment, directive);
      return;
    case 'process-ready':
      forEach(environment, ids, 'handling Ready', (id) => environment.processReady(id));
      return;
    case 'process-append-thread':
      forEach(environment, ids, 'processing append thread', (id) => environment.processAppendThread(id));
      return;
    case 'process-apply-thread':
      forEach(environment, ids, 'processing apply thread', (id) => environment.processApplyThread(id));
      return;
    case 'log-level':
      output.setLevel(directive.args[0]?.key ?? '');
      return;
    case 'stabilize':
      output.atLevel(value(directive, 'log-level'), () => environment.stabilize(orAll(environment, ids)));
      return;
    case 'raft-log':
      raftLog(environment, first);
      return;
    case 'raft-state':
      raftState(environment);
      return;
    case 'status':
      output.write(progressMapText(environment.member(first).node.status().progress));
      return;
    default:
      executeOnNode(environment, directive, ids);
  }
}

function executeOnNode(environment: Environment, directive: Directive, ids: readonly NodeId[]): void {
  const first = ids[0] ?? 0;
  switch (directive.command) {
    case 'tick-election':
      tick(environment, first, environment.member(first).config.electionTicks);
      return;
    case 'tick-heartbeat':
      tick(environment, first, environment.member(first).config.heartbeatTicks);
      return;
    case 'set-randomized-election-timeout':
      environment.member(first).node.overrideElectionTicks(Number(value(directive, 'timeout')));
      return;
    case 'transfer-leadership':
      environment.member(Number(value(directive, 'from'))).node.transferLeader(Number(value(directive, 'to')));
      return;
    case 'forget-leader':
      environment.member(first).node.forgetLeader();
      return;
    case 'report-unreachable':
      environment.member(first).node.reportUnreachable(ids[1] ?? 0);
      return;
    case 'send-snapshot':
      sendSnapshot(environment, first, ids[1] ?? 0);
      return;
    case 'propose':
      environment.member(first).node.propose([new TextEncoder().encode(directive.args[1]?.key)]);
      return;
    case 'propose-conf-change':
      environment.member(first).node.proposeConfChange(readConfChange(directive));
      return;
    default:
      throw new Error(`unknown command '${directive.command}'`);
  }
}

/** With more than one node, each gets a heading. */
function forEach(environment: Environment, ids: readonly NodeId[], heading: string, work: (id: NodeId) => void): void {
  if (ids.length === 1) {
    work(ids[0] as NodeId);
    return;
  }
  for (const id of orAll(environment, ids)) {
    environment.output.write(`> ${id} ${heading}\n`);
    environment.output.indented(() => work(id));
  }
}

function orAll(environment: Environment, ids: readonly NodeId[]): readonly NodeId[] {
  return ids.length > 0 ? ids : environment.members.map(({ id }) => id);
}

function deliver(environment: Environment, directive: Directive): void {
  const recipients: Recipient[] = [];
  let type: MessageType | undefined;
  for (const { key, values } of directive.args) {
    if (values.length === 0) recipients.push({ id: Number(key), drop: false });
    else if (key === 'drop') recipients.push(...values.map((id) => ({ id: Number(id), drop: true })));
    else if (key === 'type') type = messageType(values[0] ?? '');
    else throw new Error(`unknown argument '${key}'`);
  }
  if (environment.deliver(type, recipients) === 0) environment.output.write('no messages\n');
}

function messageType(name: string): MessageType {
  const found = Object.entries(MESSAGE_NAMES).find(([, known]) => known === name);
  if (found === undefined) throw new Error(`unknown message type '${name}'`);
  return found[0] as MessageType;
}

function raftLog(environment: Environment, id: NodeId): void {
  const { log } = environment.member(id);
  const first = log.firstIndex();
  const last = log.lastIndex();
  if (last < first) environment.output.write(`log is empty: first index=${first}, last index=${last}`);
  else environment.output.write(entriesText(log.entries(first, last + 1, Number.POSITIVE_INFINITY)));
}

function raftState(environment: Environment): void {
  for (const { node } of environment.members) {
    const { id, role, term, leader, conf } = node.basicStatus();
    const voter = conf.voters.includes(id) || conf.votersOutgoing.includes(id) ? 'Voter' : 'Non-Voter';
    environment.output.write(`${id}: ${ROLE_NAMES[role]} (${voter}) Term:${term} Lead:${leader}\n`);
  }
}

function tick(environment: Environment, id: NodeId, count: number): void {
  for (let i = 0; i < count; i++) environment.member(id).node.tick();
}

/** Puts a snapshot on its way although the leader did not ask for it. */
function sendSnapshot(environment: Environment, from: NodeId, to: NodeId): void {
  const member = environment.member(from);
  const message = draftMessage('snapshot', to);
  message.from = from;
  message.term = member.node.basicStatus().term;
  message.snapshot = member.latest();
  environment.messages.push(message);
  environment.output.write(messageText(message));
}

function readConfChange(directive: Directive): ConfChange {
  const transitions: Record<string, ConfChangeTransition> = {
    auto: 'auto',
    implicit: 'joint-implicit',
    explicit: 'joint-explicit',
  };
  const transition = transitions[value(directive, 'transition') ?? 'auto'];
  if (transition === undefined) throw new Error(`unknown transition ${value(directive, 'transition')}`);
  const changes = parseChanges(directive.input);
  const firstVersion = value(directive, 'v1') === 'true';
  if (firstVersion && (changes.length > 1 || transition !== 'auto')) {
    throw new Error('v1 conf change can only have one operation and no transition');
  }
  return { transition, changes, context: firstVersion ? firstVersionContext() : NO_BYTES };
}

function value(directive: Directive, key: string): string | undefined {
  return directive.args.find((argument) => argument.key === key)?.values[0];
}
