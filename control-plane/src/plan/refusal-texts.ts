/** What is wrong with those that are not let in, and what to do: whoever reads it is at the fleet, not at the machine. */
import type { RefusalCause } from '../model/refusal-cause.ts';

/** What the audit log tells, or else what the code of an error says on its own. */
export type ShownCause =
  | RefusalCause
  | 'no-identity'
  | 'not-invited'
  | 'other-cluster'
  | 'member-removed'
  | 'full'
  | 'too-often'
  | 'other';

export interface RefusalText {
  readonly message: string;
  readonly advice: string;
}

type Texts = Readonly<Partial<Record<ShownCause, RefusalText>> & { readonly other: RefusalText }>;

const CLOCK = {
  message: 'its clock differs from that of the control plane by more than 5 minutes',
  advice: 'Set the clock right there (timedatectl), or that of the members',
};
const TOO_OFTEN = 'it came too often in a minute, mostly after other refusals';

const NEW_JOIN_TOKEN = 'Give it a new one: "cellctl token create --role agent"';
const JOIN_ANEW = 'Give its agent an empty data folder and a new token: "cellctl token create --role agent"';

export const agentRefusals: Texts = {
  'token-unknown': {
    message: 'its token to join with is unknown here: revoked, ended long ago, or of another cluster',
    advice: `${NEW_JOIN_TOKEN}. If you know no such machine, somebody may be guessing`,
  },
  'token-malformed': { message: 'its token to join with is none, or was copied wrongly', advice: NEW_JOIN_TOKEN },
  'token-ended': { message: 'its token to join with has ended', advice: NEW_JOIN_TOKEN },
  'token-used-up': {
    message: 'its token to join with was used as often as it may be',
    advice: 'Give it a new one; for several machines: "cellctl token create --role agent --uses N"',
  },
  'token-role': { message: 'its token is not one to join with as a node', advice: NEW_JOIN_TOKEN },
  'node-revoked': {
    message: 'its node was revoked',
    advice: `Stop its agent, if it is to stay out. ${JOIN_ANEW}, if it is to come back`,
  },
  'identity-taken': {
    message: 'another machine has joined with its node id: one is a copy of the other',
    advice: JOIN_ANEW,
  },
  'certificate-untrusted': {
    message: 'its certificate is from an authority that is not trusted here: of another cluster, or retired',
    advice: `Point it at its own control plane. If it belongs to this one: ${lowered(JOIN_ANEW)}`,
  },
  'certificate-ended': {
    message: 'its certificate has ended',
    advice:
      'It renews by itself, unless that is too long ago: then give it a new token ("cellctl token create --role agent"), ' +
      'and it comes back as the same node',
  },
  'clock-skew': CLOCK,
  'no-identity': { message: 'it has no certificate', advice: JOIN_ANEW },
  full: { message: 'the fleet has as many nodes as it may have', advice: 'Revoke nodes that are gone for good' },
  'too-often': { message: TOO_OFTEN, advice: 'See the log of its agent: it names the first reason' },
  other: { message: 'it was refused', advice: 'See the log of its agent, and "cellctl audit list"' },
};

const MEMBER_TOKEN = 'Give it a new one: "cellctl token create --role control-plane"';

export const memberRefusals: Texts = {
  'token-unknown': {
    message: 'its token to join with is unknown here: revoked, or of another cluster',
    advice: MEMBER_TOKEN,
  },
  'identity-taken': {
    message: 'its id is that of another member already',
    advice: 'Give it an id that was never used: "cellctl control-plane add" first',
  },
  'not-invited': { message: 'nobody has invited it', advice: 'Say "cellctl control-plane add" with its id' },
  'other-cluster': {
    message: 'it is of another cluster',
    advice: 'Correct "cluster" or "members" in its configuration',
  },
  'member-removed': {
    message: 'it was removed from the control plane',
    advice: 'Stop it; to use the machine again, add it with a new id and an empty data folder',
  },
  'certificate-untrusted': {
    message: 'its certificate is from an authority that is not trusted here: of another cluster, or retired',
    advice: 'Correct "members" in its configuration; if it was away for long, remove it and add it anew',
  },
  'certificate-ended': { message: 'its certificate has ended', advice: 'Look at its clock, and at its log' },
  'clock-skew': CLOCK,
  'no-identity': { message: 'it has no certificate', advice: 'Look for who calls the port for members from there' },
  'too-often': { message: TOO_OFTEN, advice: 'See its log: it names the first reason' },
  other: {
    message: 'it was refused',
    advice: `See its log, and "cellctl audit list". If its token is over: ${lowered(MEMBER_TOKEN)}`,
  },
};

const NEW_TOKEN = 'Who works there needs another: "cellctl token create". Guesses look the same';

export const personRefusals: Texts = {
  'token-unknown': { message: 'the token is unknown here: revoked, or of another cluster', advice: NEW_TOKEN },
  'token-malformed': { message: 'the token is none, or was copied wrongly', advice: NEW_TOKEN },
  'token-ended': { message: 'the token has ended', advice: 'Who works there needs another: "cellctl token create"' },
  'certificate-untrusted': {
    message: 'the certificate is from an authority that is not trusted here: of another cluster, or retired',
    advice: 'Who works there logs in again: "cellctl login"',
  },
  'certificate-ended': {
    message: 'the certificate has ended',
    advice: 'Who works there logs in again: "cellctl login"',
  },
  'clock-skew': CLOCK,
  'no-identity': { message: 'no token was given', advice: 'Who works there logs in: "cellctl login"' },
  'too-often': { message: 'it came too often', advice: 'See who it is: "cellctl audit list"' },
  other: { message: 'it was refused', advice: 'See "cellctl audit list"' },
};

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
