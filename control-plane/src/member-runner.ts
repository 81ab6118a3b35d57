import type { Logger } from 'pino';
import { CellError } from './cell-error.ts';
import type { MemberConfig } from './config/member-config.ts';
import type { MemberStanding } from './http/readiness.ts';
import type { RecoveryPlan } from './ports.ts';
import { recoverMember } from './recover-member.ts';
import { type Member, startMember } from './start-member.ts';

/** Runs one member for as long as the process lives, over a recovery from a lost quorum too. */
export class MemberRunner {
  readonly #config: MemberConfig;
  readonly #log: Logger;
  readonly #onFatal: (error: unknown) => void;
  readonly #ending = new AbortController();
  #standing: () => MemberStanding = () => ({ ready: false, text: 'Opening its data' });
  /** The start or the recovery that is under way, or the last one. */
  #working: Promise<Member | undefined> = Promise.resolve(undefined);

  /** `onFatal` is told of what the process can't go on after. */
  constructor(config: MemberConfig, log: Logger, onFatal: (error: unknown) => void) {
    this.#config = config;
    this.#log = log;
    this.#onFatal = onFatal;
  }

  /** Resolves once the member serves, or was stopped before it did. Rejects with a coded error. */
  async start(): Promise<void> {
    this.#working = this.#startMember();
    await this.#working;
  }

  /** How the member is now. */
  standing(): MemberStanding {
    return this.#standing();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    const member = await this.#working;
    await member?.stop();
  }

  async #startMember(): Promise<Member | undefined> {
    const { signal } = this.#ending;
    const onRecovery = (plan: RecoveryPlan) => {
      if (signal.aborted) return;
      this.#working = this.#recover(this.#working, plan);
      this.#working.catch(this.#onFatal);
    };
    try {
      const onStanding = (standing: () => MemberStanding) => {
        this.#standing = standing;
      };
      const options = { log: this.#log, onFatal: this.#onFatal, signal, onRecovery, onStanding };
      return await startMember(this.#config, options);
    } catch (error) {
      if (error instanceof CellError && error.code === 'CELL_E_STOPPED') return undefined;
      throw error;
    }
  }

  async #recover(running: Promise<Member | undefined>, { clusterId }: RecoveryPlan): Promise<Member | undefined> {
    const member = await running;
    await member?.stop();
    await recoverMember(this.#config, { clusterId, log: this.#log, timeMs: Date.now() });
    return this.#startMember();
  }
}
