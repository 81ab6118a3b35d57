/** Tokens that are stolen, over, or guessed, and what people with good ones try beyond them. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { keyProof, makeToken, parseToken, subjectUri, tokenText } from '@cell/identity';
import { AgentService, JobService, JoinMemberRequestSchema, JoinRequestSchema, PeerService } from '@cell/proto';
import { Role } from '@cell/sdk';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../harness/wait-for.ts';
import type { AttackedFleet } from '../testing/attacked-fleet.ts';
import { bearer, calling, type Outcome, RawCaller } from '../testing/raw-caller.ts';
import { all, notForViewers } from '../testing/services.ts';

const { listJobs } = JobService.method;
const GUESSES = 300;
/** As many as an address may fail without being slowed down. */
const FAILURES_BURST = 20;

export function tokenRows(attacked: () => AttackedFleet): void {
  describe('tokens', () => {
    test('a token to join with is for once and for its role, and everything else about it is refused and noted', async () => {
      const { pin } = parseToken(attacked().fleet.identity.agentToken, 'join');
      const once = await attacked().makeToken('once', Role.AGENT, { ttlSeconds: 3_600n });
      const brief = await attacked().makeToken('brief', Role.AGENT, { ttlSeconds: 1n, uses: 100 });
      const members = await attacked().makeToken('members', Role.CONTROL_PLANE, { ttlSeconds: 3_600n });
      const joiner = new Joiner(attacked().grpcPort);
      expect(await joiner.join('first', once.text)).toMatchObject({ code: 'ok' });
      // The very same call again, which somebody has seen, gives another machine nothing; nor does the token.
      expect(await joiner.join('second', once.text)).toMatchObject({
        code: 'CELL_E_FORBIDDEN',
        message: expect.stringMatching(/used up/),
      });
      expect(await joiner.joinWithOtherKey('first', once.text)).toMatchObject({ code: 'CELL_E_FORBIDDEN' });
      expect(await joiner.join('third', members.text)).toMatchObject({
        code: 'CELL_E_FORBIDDEN',
        message: expect.stringMatching(/"agent"/),
      });
      const wrong = {
        mistyped: once.text.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a')),
        unknown: tokenText(makeToken('join', pin)),
        'with a guessed secret': tokenText({ ...makeToken('join', pin), id: once.id }),
        'of a person': attacked().token,
      };
      for (const [what, text] of Object.entries(wrong)) {
        const { code, message } = await joiner.join('fourth', text);
        expect([what, code]).toEqual([what, 'CELL_E_UNAUTHENTICATED']);
        expect(message).not.toContain(text.slice(0, 30));
      }
      let late = 0;
      await waitFor(async () => /ended at/.test((await joiner.join(`late-${++late}`, brief.text)).message), {
        what: 'the token to end',
        pollMs: 200,
      });
      await attacked().audited({ method: 'AgentService/Join', outcome: 'CELL_E_UNAUTHENTICATED' }, 4);
      await attacked().audited({ method: 'AgentService/Join', outcome: 'CELL_E_FORBIDDEN' }, 4);
      const names = (await attacked().client.nodes.listNodes({})).nodes.map(({ name }) => name);
      for (const name of ['second', 'third', 'fourth']) expect(names).not.toContain(name);
    });

    test('nobody becomes a member by the token of an agent, or by one that nobody made', async () => {
      const { pin } = parseToken(attacked().fleet.identity.agentToken, 'join');
      const fields = { memberId: 4n, cluster: 'test', machine: 'a-machine-of-an-attacker' };
      const before = attacked().before();
      const codes = [];
      for (const token of [attacked().fleet.identity.agentToken, tokenText(makeToken('join', pin))]) {
        const request = create(JoinMemberRequestSchema, { ...fields, token });
        const message = toBinary(JoinMemberRequestSchema, request);
        const port = attacked().peersPort;
        codes.push((await calling({ port }, PeerService.method.joinMember, {}, message)).code);
      }
      expect(codes).toEqual(['CELL_E_FORBIDDEN', 'CELL_E_UNAUTHENTICATED']);
      await attacked().logged(before, /PeerService\/JoinMember.*CELL_E_FORBIDDEN/);
      await attacked().audited({ method: 'PeerService/JoinMember', outcome: 'CELL_E_UNAUTHENTICATED' });
    });

    test('a viewer changes nothing and sees no secrets of the cluster, by any method', async () => {
      const { text, id } = await attacked().makeToken('screen', Role.VIEWER);
      const caller = await RawCaller.open({ port: attacked().grpcPort });
      expect(await caller.codes(notForViewers, bearer(text))).toEqual(all(notForViewers, 'CELL_E_FORBIDDEN'));
      expect(await caller.code(listJobs, bearer(text))).toBe('ok');
      caller.close();
      const actor = `token/screen (${id})`;
      await attacked().audited({ actor, outcome: 'CELL_E_FORBIDDEN' }, notForViewers.length);
    });

    test('guesses are slowed down, counted and noted, and a good token from the same place is served meanwhile', async () => {
      const { pin } = parseToken(attacked().token, 'access');
      const { id } = parseToken(attacked().token, 'access');
      const place = { port: attacked().grpcPort, from: '127.0.0.9' };
      const failures = await attacked().count('cell_authentication_failures_total{means="token"}');
      const [guesser, person] = [await RawCaller.open(place), await RawCaller.open(place)];
      const codes = new Map<string, number>();
      let served = 0;
      for (let guess = 0; guess < GUESSES; guess += 1) {
        const text = tokenText({ ...makeToken('access', pin), id });
        const code = await guesser.code(listJobs, bearer(text));
        codes.set(code, (codes.get(code) ?? 0) + 1);
        if (guess % 10 === 0 && (await person.code(listJobs, bearer(attacked().token))) === 'ok') served += 1;
      }
      for (const caller of [guesser, person]) caller.close();
      expect([...codes.keys()]).toEqual(['CELL_E_UNAUTHENTICATED', 'CELL_E_RATE_LIMITED']);
      // What it takes to guess so often may be some seconds, in which one comes back to it now and then.
      expect(codes.get('CELL_E_UNAUTHENTICATED')).toBeLessThan(GUESSES / 2);
      expect(codes.get('CELL_E_UNAUTHENTICATED')).toBeGreaterThanOrEqual(FAILURES_BURST);
      expect(served).toBe(GUESSES / 10);
      await attacked().counted('cell_authentication_failures_total{means="token"}', failures, GUESSES);
      const where = { method: 'JobService/ListJobs', from: '127.0.0.9' };
      await attacked().audited({ ...where, outcome: 'CELL_E_RATE_LIMITED' }, codes.get('CELL_E_RATE_LIMITED'));
      await attacked().audited({ ...where, outcome: 'CELL_E_UNAUTHENTICATED' }, FAILURES_BURST);
    });
  });
}

/** Machines that want to be nodes, each with a key of its own. */
class Joiner {
  readonly #port: number;
  readonly #keys = new Map<string, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>();

  constructor(port: number) {
    this.#port = port;
  }

  joinWithOtherKey(name: string, token: string): Promise<Outcome> {
    this.#keys.delete(name);
    return this.join(name, token);
  }

  join(name: string, token: string): Promise<Outcome> {
    const nodeId = `id-${name}`;
    const pair = this.#keys.get(name) ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#keys.set(name, pair);
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
    const proof = keyProof(pair.privateKey, publicKey, subjectUri({ kind: 'node', id: nodeId }));
    const request = create(JoinRequestSchema, { token, nodeId, nodeName: name, publicKey, proof });
    return calling({ port: this.#port }, AgentService.method.join, {}, toBinary(JoinRequestSchema, request));
  }
}
