/** Messages of all services: read as protobuf, and then as what they say. */

import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { desiredFromProto, execInputFromProto, execRequestFromProto, logRequestFromProto } from '@cell/agent/readers';
import * as control from '@cell/control-plane/readers';
import { CellError } from '@cell/control-plane/readers';
import { describeIssue, type JobSpec, validateSpec } from '@cell/job';
import { specFromProto, specToProto } from '@cell/job/wire';
import * as proto from '@cell/proto';
import { plainMessage } from '@cell/sdk';
import fc from 'fast-check';
import type { FuzzTarget } from '../fuzz-target.ts';
import { Random } from '../random.ts';
import { randomMessage } from '../random-message.ts';

const SEEDS_PER_MESSAGE = 24;

/** protobuf-es has no error class of its own: these are what it throws for bytes that are no message. */
const BAD_BYTES =
  /^(premature EOF|invalid varint|illegal tag|invalid end group tag|cannot (de|en)code|cant skip wire|maximum|invalid (u?int|UTF|wire)|The encoded data was not valid|field name|unexpected|protobuf)/i;

class BadBytes extends Error {}

/** Begins with a number by which the message's kind is chosen, so that one target reads all of them. */
function messageTarget(
  name: string,
  kinds: readonly (readonly [DescMessage, (message: never) => unknown])[],
  good: readonly Uint8Array[] = [],
): FuzzTarget {
  return {
    name,
    form: 'bytes',
    seeds: async () => {
      const random = kinds.flatMap(([schema], kind) =>
        Array.from({ length: SEEDS_PER_MESSAGE }, (_, at) => {
          const message = randomMessage(new Random(`${schema.typeName} ${at}`), schema);
          return Buffer.concat([Buffer.from([kind]), message]);
        }),
      );
      return [...good, ...random];
    },
    // Of a field that stands twice, the later one counts: a good message with some bad fields.
    make: (random) => {
      const kind = random.below(kinds.length);
      const before = good.length > 0 && !random.once(4) ? random.pick(good) : Buffer.from([kind]);
      return Buffer.concat([before, randomMessage(random, kinds[before[0]!]![0])]);
    },
    refuses: (error) => error instanceof BadBytes || (error instanceof CellError && error.code !== 'CELL_E_INTERNAL'),
    read: (input) => {
      const [schema, read] = kinds[(input[0] ?? 0) % kinds.length]!;
      read(decoded(schema, input.subarray(1)) as never);
    },
  };
}

function decoded(schema: DescMessage, bytes: Uint8Array): MessageShape<DescMessage> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    const { message, name } = cause as Error;
    // A stack that ran over, for example, is nothing that bytes may bring about.
    if (name === 'Error' || BAD_BYTES.test(message)) throw new BadBytes(message, { cause });
    throw cause;
  }
}

const SERVICES: readonly DescService[] = Object.values<object>(proto).filter(isService);
const ALL_MESSAGES = [
  ...new Set(SERVICES.flatMap(({ methods }) => methods.flatMap(({ input, output }) => [input, output]))),
];

function isService(value: object): value is DescService {
  return 'kind' in value && value.kind === 'service';
}

/** Every message of every service, and what people see of it. */
const allMessages = messageTarget(
  'messages',
  ALL_MESSAGES.map((schema) => [
    schema,
    (message: never) => {
      toBinary(schema, message);
      JSON.stringify(plainMessage(schema, message));
    },
  ]),
);

function readSpec(said: proto.JobSpec): void {
  const spec: JobSpec = specFromProto(said);
  const issues = validateSpec(spec);
  if (issues.length > 0) throw new CellError('CELL_E_INVALID', issues.map((issue) => describeIssue(issue)).join('; '));
  const command = { kind: 'submit-job', timeMs: 1, spec, expectedIndex: undefined } as const;
  control.decodeCommand(control.encodeCommand(command));
}

const goodSpecs = fc.sample(control.commandArbitrary, { numRuns: 200, seed: 7 }).flatMap((command) => {
  if (command.kind !== 'submit-job') return [];
  const bytes = toBinary(proto.JobSpecSchema, create(proto.JobSpecSchema, specToProto(command.spec)));
  return [Buffer.concat([Buffer.from([0]), bytes])];
});
const jobs = messageTarget('job-messages', [[proto.JobSpecSchema, readSpec]], goodSpecs);

const goodHello = create(proto.HelloSchema, {
  nodeId: 'n1',
  nodeName: 'n1',
  clusterId: 'c',
  agentVersion: '0.1.0',
  allocations: [{ id: 'a0', state: proto.AllocationState.RUNNING, restarts: 2, exitCode: 1, message: 'm' }],
  inventory: {
    capacity: { cpuMillis: 4_000, memoryMib: 4_096 },
    diskFreeMib: 5n,
    address: '10.0.0.1',
    portFirst: 20_000,
    portLast: 29_999,
    attributes: { zone: 'a' },
    capabilities: ['limit.tasks-max'],
  },
});

/** What agents say, up to the command that is made of it. */
const agents = messageTarget(
  'agent-messages',
  [
    [
      proto.HelloSchema,
      (hello: proto.Hello) => {
        const node = control.readHello(hello, 'c', ['', 'former']);
        control.decodeCommand(control.encodeCommand({ kind: 'register-node', timeMs: 1, ...node }));
        control.readReports(node.id, hello.allocations);
      },
    ],
    [
      proto.ReportSchema,
      (report: proto.Report) => {
        const reports = control.readReports('n1', report.allocations);
        control.decodeCommand(control.encodeCommand({ kind: 'report-allocations', timeMs: 1, reports }));
      },
    ],
  ] as never,
  [Buffer.concat([Buffer.from([0]), toBinary(proto.HelloSchema, goodHello)])],
);

/** What members say to each other. */
const peers = messageTarget('peer-messages', [
  [proto.IntroduceRequestSchema, control.introductionFromProto],
  [proto.IntroduceResponseSchema, control.answerFromProto],
  [proto.FoundRequestSchema, control.foundingFromProto],
  [
    proto.StreamLogsRequestSchema,
    // It may have to be passed on.
    (said: proto.StreamLogsRequest) => {
      const passedOn = control.logRequestToProto(control.logRequestFromProto(said));
      toBinary(proto.StreamLogsRequestSchema, create(proto.StreamLogsRequestSchema, passedOn));
    },
  ],
  [proto.RelayLogsResponseSchema, control.chunkFromProto],
  [proto.GetMemberResponseSchema, control.memberStatusFromProto],
  [proto.ChangeMembershipRequestSchema, control.changeFromProto],
  [proto.GetReplicationResponseSchema, control.replicationFromProto],
  [proto.RecoverResponseSchema, control.recoveryFromProto],
  [proto.ProposalOutcomeSchema, control.outcomeFromProto],
  [proto.SealingKeySchema, control.sealingKeyFromProto],
] as never);

/** What a control plane says to an agent. */
const orders = messageTarget('desired-messages', [
  [proto.DesiredAllocationsSchema, desiredFromProto],
  [proto.StreamLogsRequestSchema, logRequestFromProto],
  [proto.ExecStartSchema, execRequestFromProto],
  [proto.ExecInputSchema, execInputFromProto],
] as never);

export const messageTargets: readonly FuzzTarget[] = [allMessages, jobs, agents, peers, orders];
