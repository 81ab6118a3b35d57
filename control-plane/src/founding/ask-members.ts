import { connectionProblem, explainedSkew } from '@cell/identity';
import { callUnary, PeerService } from '@cell/proto';
import { Client, Metadata } from '@grpc/grpc-js';
import { CellError } from '../cell-error.ts';
import { peerChannelOptions } from '../consensus/peers/channel-options.ts';
import type { PeerSecurity } from '../consensus/peers/peer-channels.ts';
import { MEMBER_KEY } from '../consensus/peers/peer-identity.ts';
import { answeredError } from '../grpc-error.ts';
import type { Asked, Founding, Introduction } from './founding-steps.ts';
import { answerFromProto, foundingToProto, introductionToProto } from './introduction-messages.ts';

/** How long another member may take to answer; telling one of its cluster includes that it stores it. */
const INTRODUCE_MS_MAX = 1500;
const FOUND_MS_MAX = 5000;

export interface AskedMember {
  readonly id: number;
  /** "host:port" for peers. */
  readonly peers: string;
}

/** Calls that members make before they are in a cluster. Connections are kept until `close`. */
export class MemberCalls {
  readonly #clients = new Map<string, Client>();
  readonly #security: PeerSecurity;
  readonly #metadata = new Metadata();
  readonly #wallMs: () => number;
  readonly #stopListening: () => void;

  constructor(security: PeerSecurity, memberId: number, wallMs: () => number) {
    this.#security = security;
    this.#metadata.set(MEMBER_KEY, String(memberId));
    this.#wallMs = wallMs;
    this.#stopListening = security.onRenewal(() => this.#closeAll());
  }

  /** Never rejects. */
  async introduce(to: AskedMember, introduction: Introduction): Promise<Asked> {
    const request = introductionToProto(introduction);
    try {
      const options = { deadline: this.#wallMs() + INTRODUCE_MS_MAX };
      const answer = await callUnary(this.#client(to), PeerService.method.introduce, request, this.#metadata, options);
      return { id: to.id, answer: answerFromProto(answer) };
    } catch (error) {
      return { id: to.id, error: answeredError(error) ?? (await this.#problem(to, error)) ?? unreachable(to, error) };
    }
  }

  /** Tells a founding member of its cluster; resolves once it is stored there. */
  async tell(to: AskedMember, founding: Founding): Promise<void> {
    const request = foundingToProto(founding);
    try {
      const options = { deadline: this.#wallMs() + FOUND_MS_MAX };
      await callUnary(this.#client(to), PeerService.method.found, request, this.#metadata, options);
    } catch (error) {
      throw answeredError(error) ?? unreachable(to, error);
    }
  }

  /** Somebody answers, and it can't be trusted. */
  async #problem({ peers }: AskedMember, error: unknown): Promise<Error | undefined> {
    return (await explainedSkew(error, peers, this.#wallMs())) ?? connectionProblem(error, peers);
  }

  close(): void {
    this.#stopListening();
    this.#closeAll();
  }

  #closeAll(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #client({ id, peers }: AskedMember): Client {
    const known = this.#clients.get(peers);
    if (known !== undefined) return known;
    const made = new Client(peers, this.#security.peerCredentials(id), peerChannelOptions);
    this.#clients.set(peers, made);
    return made;
  }
}

function unreachable({ id }: AskedMember, cause: unknown): CellError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CellError('CELL_E_PEER_UNREACHABLE', `Cannot reach member "${id}": ${reason}`, { cause });
}
