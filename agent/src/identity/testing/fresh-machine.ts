import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../testing/fake-clock.ts';
import { silentLog } from '../../testing/silent-log.ts';
import { until } from '../../testing/until.ts';
import { NodeIdentity, type NodeIdentityOptions } from '../node-identity.ts';
import { FakeAuthority } from './fake-authority.ts';
import { JoinableMember } from './joinable-member.ts';

/** A machine that is to become a node, a member over real TLS that it can join, and a clock that a test moves on. */
export class FreshMachine {
  readonly folder: string;
  /** What members were asked. */
  readonly transcript: string[] = [];
  readonly authority = new FakeAuthority();
  readonly member = new JoinableMember('member', this.transcript, this.authority);
  readonly others: JoinableMember[] = [];
  readonly identities: NodeIdentity[] = [];
  /** Warnings and errors of the log. */
  readonly said: string[] = [];
  clock = new FakeClock(Date.now());
  /** How often members were about to be asked, counted at once: an answer comes over the network, which no clock waits for. */
  asks = 0;

  static async make(): Promise<FreshMachine> {
    const machine = new FreshMachine(await mkdtemp(join(tmpdir(), 'cell-identity-')));
    await machine.member.listen();
    return machine;
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  async open(change: Partial<NodeIdentityOptions> = {}): Promise<NodeIdentity> {
    const say = (_: object, text: string): number => this.said.push(text);
    const identity = await NodeIdentity.open({
      data: this.folder,
      nodeId: 'n1',
      nodeName: 'node-1',
      addresses: () => {
        this.asks += 1;
        return [this.member, ...this.others].map(({ address }) => address);
      },
      joinToken: undefined,
      joinTokenPlace: 'the setting "join_token"',
      joinTokenFile: undefined,
      clock: this.clock,
      random: () => 0,
      log: { ...silentLog, warn: say, error: say },
      ...change,
    });
    this.identities.push(identity);
    return identity;
  }

  /** With the member's token, until it may be used. */
  async joined(change: Partial<NodeIdentityOptions> = {}): Promise<NodeIdentity> {
    const identity = await this.open({ joinToken: this.member.token, ...change });
    await this.usable(identity);
    return identity;
  }

  usable(identity: NodeIdentity): Promise<void> {
    return new Promise((resolve) => {
      identity.start(resolve);
    });
  }

  /** Moves the clock on until the look gives something. */
  advancing<T>(stepMs: number, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
    return until(async () => {
      await this.clock.advance(stepMs);
      return look();
    });
  }

  async close(): Promise<void> {
    for (const identity of this.identities) await identity.close();
    for (const member of [this.member, ...this.others]) member.close();
    await rm(this.folder, { recursive: true });
  }
}
