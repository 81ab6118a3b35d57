import { X509Certificate } from 'node:crypto';
import { channelCredentials, IdentityError, type Trust, withoutTimes } from '@cell/identity';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { AgentError } from '../agent-error.ts';
import type { Clock, LinkSecurity, Log, Random } from '../ports.ts';
import { type Asking, askToJoin, askToRenew, checkedTrust, type Issued } from './ask-certificate.ts';
import { type Asked, askMembers, type Refusal } from './ask-members.ts';
import { clockWarning } from './clock-warning.ts';
import { type JoinToken, type JoinTokenSource, readJoinToken } from './join-token.ts';
import { hasEnded, renewalRetryMs, renewalWaitMs } from './renewal-time.ts';
import { IdentityFolder, type StoredIdentity } from './stored-identity.ts';

export interface NodeIdentityOptions extends JoinTokenSource {
  /** The agent's data folder. */
  readonly data: string;
  readonly nodeId: string;
  readonly nodeName: string;
  /** "host:port" of members, in any order; asked each time. */
  readonly addresses: () => readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface RefusedToken {
  readonly token: string;
  readonly place: string;
  readonly atMs: number;
  readonly why: string;
}

/** How asking for certificates went. */
export type AskingOutcome = 'ok' | 'refused' | 'failed';
export type AskingCounts = Readonly<Record<AskingOutcome, number>>;

/** Also of a timer that waits for long: a clock may be set, a machine may sleep. */
const LOOK_MS_MAX = 60_000;
/** A token that is still to come, or another one, is seen this soon. */
const TOKEN_LOOK_MS = 5_000;
/** After a member has refused for good. */
const DECIDED_RETRY_MS = 60_000;
const JOIN_RETRY_MS_MIN = 200;
const JOIN_RETRY_MS_MAX = 5_000;
/** Nodes that are told of a new authority at the same time. */
const TOLD_SPREAD_MS = 10_000;
const NEW_TOKEN = 'if that does not end by itself, give this machine a new token ("cellctl token create --role agent")';

/**
 * Who this node is to the control plane: joins once, then keeps its certificate new. What it can't do it tries again for
 * as long as it lives; `problem` says what a person can do about it.
 */
export class NodeIdentity implements LinkSecurity {
  readonly #options: NodeIdentityOptions;
  readonly #folder: IdentityFolder;
  readonly #closing = new AbortController();
  /** The same each time, so that the time of the next renewal does not wander. */
  readonly #spread: number;
  #identity: StoredIdentity;
  #unsaved = false;
  #problem = '';
  #warning = '';
  #told = '';
  #failuresInRow = 0;
  /** A token that a member has refused. */
  #refused: RefusedToken | undefined;
  #renewNow = false;
  #cancelTold: (() => void) | undefined;
  /** Something came up; it is looked at before the next wait. */
  #woken = false;
  #endWait: () => void = () => undefined;
  #working: Promise<void> = Promise.resolve();
  #onRenewal: (replaced: Pick<StoredIdentity, 'obtainedAtMs' | 'lifetimeMs'>) => void = () => undefined;
  readonly joins: Record<AskingOutcome, number> = { ok: 0, refused: 0, failed: 0 };
  readonly renewals: Record<AskingOutcome, number> = { ok: 0, refused: 0, failed: 0 };

  /** Makes a key at the first start. Rejects with `AgentError` if what is stored is damaged, or can't be stored. */
  static async open(options: NodeIdentityOptions): Promise<NodeIdentity> {
    const folder = new IdentityFolder(options.data);
    return new NodeIdentity(options, folder, await folder.open(options.nodeId));
  }

  private constructor(options: NodeIdentityOptions, folder: IdentityFolder, identity: StoredIdentity) {
    this.#options = options;
    this.#folder = folder;
    this.#identity = identity;
    this.#spread = options.random();
  }

  /** `onUsable` is called once there is a certificate that is good by this clock; before it nobody can be dialled. */
  start(onUsable: () => void): void {
    const usable = (): boolean => this.joined && !hasEnded(this.#identity, this.#options.clock.wallMs());
    this.#working = this.#work(usable, onUsable);
  }

  /** Calls when connections should be made anew, with how old the certificate is that was replaced. */
  onRenewal(listener: (replaced: Pick<StoredIdentity, 'obtainedAtMs' | 'lifetimeMs'>) => void): void {
    this.#onRenewal = listener;
  }

  get joined(): boolean {
    return this.#identity.chain !== '';
  }

  /** What a person has to do, or what is waited for: a sentence. Empty if all is well. */
  get problem(): string {
    return this.#problem;
  }

  /** Milliseconds since 1970, by the clock of who issued it; 0 without a certificate. */
  get expiresAtMs(): number {
    return this.joined ? new X509Certificate(this.#identity.chain).validToDate.getTime() : 0;
  }

  credentials(): ChannelCredentials {
    const { privateKey, chain, trust } = this.#identity;
    if (chain === '') throw new AgentError('CELL_E_NOT_JOINED', 'This machine has not joined a fleet');
    return channelCredentials({ trust, credentials: { privateKey, chain } });
  }

  /** A member says whom to trust from now on; `renew`: and that the certificate is to be renewed soon. */
  trusted({ trust, renew }: { readonly trust: Trust; readonly renew: boolean }): void {
    try {
      this.#take({ ...this.#identity, trust: checkedTrust(trust, 'The member of the session') });
    } catch (error) {
      this.#options.log.error({ err: error }, 'Could not take over whom to trust');
      return;
    }
    if (this.#unsaved) this.#wake();
    if (!renew || this.#cancelTold !== undefined) return;
    this.#cancelTold = this.#options.clock.after(TOLD_SPREAD_MS * this.#options.random(), () => {
      this.#cancelTold = undefined;
      this.#renewNow = true;
      this.#wake();
    });
  }

  /** A member does not take the certificate, or is not trusted by what came with it: it is renewed now, not at its time, unless that has just failed. */
  refused(): void {
    if (this.#problem !== '') return;
    this.#renewNow = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelTold?.();
    this.#wake();
    await this.#working;
  }

  async #work(usable: () => boolean, onUsable: () => void): Promise<void> {
    let told = false;
    while (!this.#closing.signal.aborted) {
      if (!told && usable()) {
        told = true;
        onUsable();
      }
      const waitMs = await this.#step();
      if (this.#unsaved) await this.#save();
      if (!told && usable()) continue;
      await this.#wait(Math.min(waitMs, LOOK_MS_MAX));
    }
  }

  /** Gives how long to wait for the next. */
  async #step(): Promise<number> {
    if (!this.joined) return this.#join();
    const { clock, random } = this.#options;
    const waitMs = renewalWaitMs(this.#identity, this.#spread, clock.wallMs());
    if (waitMs > 0 && !this.#renewNow) return waitMs;
    if (await this.#renew()) return renewalWaitMs(this.#identity, this.#spread, clock.wallMs());
    return renewalRetryMs(this.#identity, random());
  }

  async #join(): Promise<number> {
    const { nodeName, clock } = this.#options;
    const token = await readJoinToken(this.#options).catch((error: Error) => error);
    if (token instanceof Error) {
      this.#tell(token.message, 'error');
      return TOKEN_LOOK_MS;
    }
    if (token.warning !== '') this.#warn(token.warning);
    const refused = this.#refused;
    const sinceMs = clock.wallMs() - (refused?.atMs ?? 0);
    if (refused?.token === token.text && sinceMs >= 0 && sinceMs < DECIDED_RETRY_MS) return TOKEN_LOOK_MS;
    const asked = await this.#ask((asking) => askToJoin({ ...asking, nodeName }, token));
    if ('given' in asked) return this.#joined(asked.given);
    return this.#notJoined(asked.refusal, token);
  }

  #joined(issued: Issued): number {
    this.joins.ok += 1;
    this.#issued(issued);
    const expiresAt = new Date(this.expiresAtMs).toISOString();
    this.#options.log.info(
      { node: this.#options.nodeId, expiresAt },
      'Joined the fleet; the token is not needed any more',
    );
    return 0;
  }

  #notJoined(refusal: Refusal, token: JoinToken): number {
    const { clock, random } = this.#options;
    this.joins[refusal.decided ? 'refused' : 'failed'] += 1;
    if (refusal.decided) {
      this.#refused = { token: token.text, place: token.place, atMs: clock.wallMs(), why: refusal.message };
      const what = `The control plane did not take this machine in with the token from ${token.place}`;
      this.#tell(`${what}: ${refusal.message}`, 'error');
      return TOKEN_LOOK_MS;
    }
    // Whether that passes depends on the token: it may be of another fleet.
    const withWhat = refusal.code === 'CELL_E_UNTRUSTED' ? ` with the token from ${token.place}` : '';
    this.#tell(`This machine waits to join the fleet${withWhat}: ${refusal.message}`, 'warn');
    const delayMs = Math.min(JOIN_RETRY_MS_MAX, JOIN_RETRY_MS_MIN * 2 ** Math.min(this.#failuresInRow, 10));
    this.#failuresInRow += 1;
    return Math.max(delayMs * (0.5 + random()), refusal.retryAfterMs * (1 + random() / 2));
  }

  /** False if no member gave a certificate. */
  async #renew(): Promise<boolean> {
    const { trust, chain } = this.#identity;
    const asked = await this.#ask((asking) => askToRenew(asking, trust, chain));
    if ('given' in asked) {
      const replaced = this.#identity;
      this.renewals.ok += 1;
      this.#issued(asked.given);
      this.#options.log.info({ expiresAt: new Date(this.expiresAtMs).toISOString() }, 'Renewed the certificate');
      this.#onRenewal(replaced);
      return true;
    }
    if (this.#closing.signal.aborted) return false;
    const { decided, message, code } = asked.refusal;
    this.renewals[decided ? 'refused' : 'failed'] += 1;
    const ended = hasEnded(this.#identity, this.#options.clock.wallMs());
    // The authority that is trusted here was retired, perhaps: only a token, which pins another, leads back.
    const untrusted = code === 'CELL_E_UNTRUSTED';
    const lost = decided || ended || untrusted;
    if (lost && (await this.#joinAnew())) return true;
    const state = ended ? 'has ended' : untrusted ? 'is of no use now' : 'is due';
    const what = `The certificate of this node ${state} and could not be renewed: ${message}`;
    const refused = this.#refused === undefined ? NEW_TOKEN : refusedToo(this.#refused);
    this.#tell(lost ? `${what}; ${refused}` : what, ended ? 'error' : 'warn');
    return false;
  }

  /** What has ended for good is not taken back by asking for more of it; a token makes a new beginning. */
  async #joinAnew(): Promise<boolean> {
    const token = await readJoinToken(this.#options).catch(() => undefined);
    if (token === undefined || this.#refused?.token === token.text) return false;
    const { nodeName, clock } = this.#options;
    const asked = await this.#ask((asking) => askToJoin({ ...asking, nodeName }, token));
    if ('given' in asked) {
      const replaced = this.#identity;
      this.#joined(asked.given);
      this.#onRenewal(replaced);
      return true;
    }
    const { decided, message: why } = asked.refusal;
    if (decided) this.#refused = { token: token.text, place: token.place, atMs: clock.wallMs(), why };
    return false;
  }

  #ask(ask: (asking: Asking) => Promise<Issued>): Promise<Asked<Issued>> {
    const { nodeId, clock, addresses, random } = this.#options;
    const { privateKey } = this.#identity;
    const { signal } = this.#closing;
    const all = addresses();
    const first = Math.floor(random() * all.length);
    return askMembers([...all.slice(first), ...all.slice(0, first)], (address) => {
      if (signal.aborted) throw new IdentityError('CELL_E_UNREACHABLE', 'The agent ends');
      return ask({ address, nodeId, privateKey, nowMs: clock.wallMs(), signal });
    });
  }

  #issued({ chain, trust, lifetimeMs, memberTimeMs }: Issued): void {
    const nowMs = this.#options.clock.wallMs();
    this.#renewNow = false;
    this.#failuresInRow = 0;
    this.#refused = undefined;
    this.#problem = '';
    this.#told = '';
    this.#take({ ...this.#identity, chain, trust, lifetimeMs, obtainedAtMs: nowMs });
    const warning = clockWarning(nowMs, memberTimeMs);
    if (warning !== '') this.#warn(warning);
  }

  /** Counts at once. A disk that can't take it is asked again: what it has is older, and good for a while. */
  #take(identity: StoredIdentity): void {
    if (JSON.stringify(identity) === JSON.stringify(this.#identity)) return;
    this.#identity = identity;
    this.#unsaved = true;
  }

  async #save(): Promise<void> {
    const identity = this.#identity;
    try {
      await this.#folder.save(identity);
      this.#unsaved = this.#identity !== identity;
    } catch (error) {
      this.#options.log.error(
        { err: error },
        'Could not store the certificate of this node; make room in the data folder',
      );
    }
  }

  /** Each sentence once, however often it comes to be true again. */
  #tell(problem: string, level: 'warn' | 'error'): void {
    if (this.#closing.signal.aborted) return;
    this.#problem = problem;
    if (this.#told === withoutTimes(problem)) return;
    this.#told = withoutTimes(problem);
    this.#options.log[level]({}, problem);
  }

  #warn(warning: string): void {
    if (this.#warning === warning) return;
    this.#warning = warning;
    this.#options.log.warn({}, warning);
  }

  #wake(): void {
    this.#woken = true;
    this.#endWait();
  }

  async #wait(waitMs: number): Promise<void> {
    if (!this.#woken && !this.#closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.after(waitMs, resolve);
        this.#endWait = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#woken = false;
  }
}

function refusedToo({ place, why }: RefusedToken): string {
  return `the token from ${place} was refused, too: ${why}`;
}
