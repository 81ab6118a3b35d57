/** Who comes without an identity, with a foreign one, or with one that is over. */
import { TestAuthority } from '@cell/control-plane/authority-testing';
import type { Credentials, Subject } from '@cell/identity';
import { AgentService, JobService, PeerService } from '@cell/proto';
import { Role, requestCertificate } from '@cell/sdk';
import { describe, expect, test } from 'vitest';
import type { AttackedFleet } from '../testing/attacked-fleet.ts';
import { bearer, calling, RawCaller } from '../testing/raw-caller.ts';
import { all, methods } from '../testing/services.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const { listJobs } = JobService.method;

export function strangerRows(attacked: () => AttackedFleet): void {
  describe('strangers', () => {
    test('without an identity no method is served, on either port, and each attempt is noted', async () => {
      const before = attacked().before();
      const from = await attacked().count('cell_calls_refused_total{reason="unauthenticated"}');
      const people = await RawCaller.open({ port: attacked().grpcPort });
      const served = [...methods.people, ...methods.agents];
      expect(await people.codes(served)).toEqual(all(served, 'CELL_E_UNAUTHENTICATED'));
      const peers = await RawCaller.open({ port: attacked().peersPort });
      expect(await peers.codes(methods.peers)).toEqual(all(methods.peers, 'CELL_E_UNAUTHENTICATED'));
      for (const caller of [people, peers]) caller.close();
      const refused = served.length + methods.peers.length;
      await attacked().counted('cell_calls_refused_total{reason="unauthenticated"}', from, refused);
      await attacked().logged(before, /nobody from 127\.0\.0\.1: PeerService\/ProposeCommands: CELL_E_UNAUTHENTICATED/);
      await attacked().audited({ actor: 'nobody', method: 'PeerService/Crash', outcome: 'CELL_E_UNAUTHENTICATED' });
      await attacked().audited({ actor: 'nobody', method: 'NodeService/RevokeNode', from: '127.0.0.1' });
    });

    test('each port serves its own services only', async () => {
      const person = bearer(attacked().token);
      expect(await calling({ port: attacked().peersPort }, listJobs, person)).toMatchObject({ code: 'grpc-status 12' });
      const member = { credentials: attacked().authority.credentials({ kind: 'member', id: 1 }) };
      const { getMember } = PeerService.method;
      expect(await calling({ port: attacked().grpcPort, ...member }, getMember)).toMatchObject({
        code: 'grpc-status 12',
      });
    });

    test("certificates of another cluster's authority prove nothing, whoever they name", async () => {
      const foreign = TestAuthority.make();
      const before = attacked().before();
      for (const { subject, port, method } of impostors(attacked())) {
        const { code, message } = await calling({ port, credentials: foreign.credentials(subject) }, method);
        expect([subject, code]).toEqual([subject, 'CELL_E_UNAUTHENTICATED']);
        expect(message).toMatch(/another authority/);
      }
      // Also one that calls itself as the real one does: what counts is the key.
      const self = await calling(
        { port: attacked().peersPort, credentials: withRealChain(foreign, attacked().authority) },
        PeerService.method.getMember,
      );
      expect(self).toMatchObject({ code: 'CELL_E_UNAUTHENTICATED' });
      await attacked().logged(before, /"code":"CELL_E_UNAUTHENTICATED","address":"127\.0\.0\.1","reason":"untrusted"/);
      await attacked().counted('cell_connections_refused_total{reason="untrusted"}', 0, 4);
    });

    test('certificates that have ended or not begun prove nothing', async () => {
      const nowMs = Date.now();
      const { authority } = attacked();
      const before = attacked().before();
      const ended = { beginsAtMs: nowMs - 30 * DAY_MS, endsAtMs: nowMs - 8 * DAY_MS };
      const early = { beginsAtMs: nowMs + HOUR_MS, endsAtMs: nowMs + DAY_MS };
      for (const { subject, port, method } of impostors(attacked())) {
        const late = await calling({ port, credentials: authority.credentials(subject, ended) }, method);
        expect([subject, late.code]).toEqual([subject, 'CELL_E_UNAUTHENTICATED']);
        const soon = await calling({ port, credentials: authority.credentials(subject, early) }, method);
        expect([subject, soon.code]).toEqual([subject, 'CELL_E_CLOCK_SKEW']);
      }
      await attacked().logged(before, /"reason":"expired"/);
      await attacked().logged(before, /"code":"CELL_E_CLOCK_SKEW".*"reason":"not-yet-valid"/);
      await attacked().counted('cell_connections_refused_total{reason="expired"}', 0, 3);
      await attacked().counted('cell_connections_refused_total{reason="not-yet-valid"}', 0, 3);
    });

    test('with a certificate that has just ended a node may renew it, and nothing else', async () => {
      const { id } = await attacked().takenNode();
      const nowMs = Date.now();
      const credentials = attacked().authority.credentials({ kind: 'node', id }, { endsAtMs: nowMs - 1_000 });
      const caller = await RawCaller.open({ port: attacked().grpcPort, credentials });
      const { session, sendLogs, serveExec, fetchSecrets, renewCertificate } = AgentService.method;
      const others = [session, sendLogs, serveExec, fetchSecrets];
      expect(await caller.codes(others)).toEqual(all(others, 'CELL_E_UNAUTHENTICATED'));
      // It may ask; it just has not said for which key.
      expect(await caller.code(renewCertificate)).toBe('CELL_E_INVALID');
      caller.close();
      await attacked().audited({ actor: `node/${id}`, method: 'AgentService/FetchSecrets' });
    });

    test('what a revoked node has is worth nothing, at any member', async () => {
      const before = attacked().before();
      const node = await attacked().takenNode();
      const { name, credentials } = node;
      const session = node.session();
      await session.hears('desired');
      const held = await RawCaller.open({ port: attacked().grpcPort, credentials });
      expect(await held.code(AgentService.method.fetchSecrets)).toBe('CELL_E_NOT_FOUND');
      await attacked().client.nodes.revokeNode({ node: name });
      await expect.poll(() => [held.ended, session.end === undefined]).toEqual([true, false]);
      for (const { ports } of attacked().fleet.members) {
        const caller = await RawCaller.open({ port: ports.grpc, credentials });
        await expect.poll(() => caller.codes(methods.agents)).toEqual(all(methods.agents, 'CELL_E_UNAUTHENTICATED'));
        caller.close();
      }
      await attacked().audited({ method: 'NodeService/RevokeNode', outcome: 'ok' });
      await attacked().logged(before, /AgentService\/FetchSecrets: CELL_E_UNAUTHENTICATED/);
    });

    test('a certificate that was issued on a token ends with the token', async () => {
      const { text, id } = await attacked().makeToken('contractor', Role.OPERATOR);
      const issued = await requestCertificate(attacked().fleet.client({ token: text }));
      const { credentials } = issued;
      const held = await RawCaller.open({ port: attacked().grpcPort, credentials });
      expect(await held.code(listJobs)).toBe('ok');
      await attacked().client.identity.revokeToken({ token: id });
      await expect.poll(() => held.ended).toBe(true);
      const again = await calling({ port: attacked().grpcPort, credentials }, listJobs);
      expect(again).toMatchObject({ code: 'CELL_E_UNAUTHENTICATED', message: expect.stringMatching(/revoked/) });
      const token = await calling({ port: attacked().grpcPort }, listJobs, bearer(text));
      expect(token).toMatchObject({ code: 'CELL_E_UNAUTHENTICATED' });
      await attacked().audited({ method: 'JobService/ListJobs', outcome: 'CELL_E_UNAUTHENTICATED' }, 2);
    });
  });
}

/** One of each kind, and what it would call. */
function impostors({ peersPort, grpcPort, fleet }: AttackedFleet) {
  const token = fleet.identity.operator.token.split('_')[1] as string;
  const all: { subject: Subject; port: number; method: Parameters<RawCaller['call']>[0] }[] = [
    { subject: { kind: 'member', id: 2 }, port: peersPort, method: PeerService.method.getMember },
    { subject: { kind: 'node', id: 'id-anybody' }, port: grpcPort, method: AgentService.method.session },
    { subject: { kind: 'token', id: token }, port: grpcPort, method: listJobs },
  ];
  return all;
}

/** A foreign certificate, with the true authority's behind it. */
function withRealChain(foreign: TestAuthority, real: TestAuthority): Credentials {
  const { privateKey, chain } = foreign.credentials({ kind: 'member', id: 2 });
  return { privateKey, chain: chain.replace(foreign.certificate, real.certificate) };
}
