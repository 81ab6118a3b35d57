/** Who answers in the place of a member, with whatever certificate can be had. */
import { readFileSync, writeFileSync } from 'node:fs';
import { TestAuthority } from '@cell/control-plane/authority-testing';
import type { Credentials } from '@cell/identity';
import { connect } from '@cell/sdk';
import { describe, expect, test } from 'vitest';
import { cellctlWith } from '../../harness/cellctl.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { AGENTS, type AttackedFleet } from '../testing/attacked-fleet.ts';
import { FalseMember } from '../testing/false-member.ts';

const CALL_MS_MAX = 10_000;

export function goBetweenRows(attacked: () => AttackedFleet): void {
  describe('go-betweens', () => {
    test('an agent that is led astray does not say its token, and says whom it does not trust', async () => {
      const foreign = TestAuthority.make().credentials({ kind: 'member', id: 1 });
      const between = await FalseMember.open(foreign, attacked().grpcPort);
      const agent = attacked().fleet.agent(AGENTS + 1);
      const toml = readFileSync(agent.configFile, 'utf8');
      writeFileSync(agent.configFile, toml.replace(/control_plane = .*/, `control_plane = ["${between.address}"]`));
      agent.start();
      try {
        await waitFor(() => /is not the one that the token is for/.test(agent.output()), {
          what: 'the agent to trust nobody there',
        });
        expect(between.visits).toBeGreaterThan(0);
        expect(between.heard).toHaveLength(0);
        expect(agent.output() + agent.errors()).not.toContain(attacked().fleet.identity.agentToken.split('_')[2]);
      } finally {
        await agent.kill();
        between.close();
      }
    });

    test('people are told, and their tokens are not, whatever the false member has for a certificate', async () => {
      const { authority, token, fleet } = attacked();
      const nowMs = Date.now();
      const stolen = await attacked().takenNode();
      const ended = { beginsAtMs: nowMs - 7_200_000, endsAtMs: nowMs - 3_600_000 };
      const cases: readonly (readonly [what: string, shown: Credentials, code: RegExp])[] = [
        ['foreign', TestAuthority.make().credentials({ kind: 'member', id: 1 }), /^CELL_E_UNTRUSTED$/],
        ["a node's", stolen.credentials, /^CELL_E_(WRONG_PEER|UNTRUSTED)$/],
        [
          "a token's",
          authority.credentials({ kind: 'token', id: token.split('_')[1]! }),
          /^CELL_E_(WRONG_PEER|UNTRUSTED)$/,
        ],
        ['ended', authority.credentials({ kind: 'member', id: 1 }, ended), /^CELL_E_CERTIFICATE_EXPIRED$/],
      ];
      for (const [what, shown, code] of cases) {
        const between = await FalseMember.open(shown, attacked().grpcPort);
        const codes = [];
        for (const trust of [undefined, fleet.identity.operator.trust]) {
          const client = connect({
            addresses: [between.address],
            timeoutMs: CALL_MS_MAX,
            identity: { token, trust },
          });
          codes.push(
            await client.jobs.listJobs({}, { attemptsMax: 1 }).then(
              () => 'ok',
              ({ code }) => String(code),
            ),
          );
          client.close();
        }
        expect([what, codes]).toEqual([what, [expect.stringMatching(code), expect.stringMatching(code)]]);
        expect([what, between.heard.length]).toEqual([what, 0]);
        between.close();
      }
    });

    test('cellctl does not say its token to who sits in between', async () => {
      const between = await FalseMember.open(
        TestAuthority.make().credentials({ kind: 'member', id: 1 }),
        attacked().grpcPort,
      );
      const { adminTokenFile } = attacked().fleet.identity;
      const end = await cellctlWith({ CELL_ADDR: between.address, CELL_TOKEN_FILE: adminTokenFile }).run(
        'node',
        'list',
      );
      expect(end).toMatchObject({ exitCode: 1, output: '', errors: expect.stringMatching(/^CELL_E_UNTRUSTED: /) });
      expect(between.visits).toBeGreaterThan(0);
      expect(between.heard).toHaveLength(0);
      between.close();
    });
  });
}
