/**
 * A member in plain text that believes everybody: what measurements of TLS and of rights compare with. It is started with
 * the arguments of the real program behind that one's path.
 */
import { startMember } from '@cell/control-plane';
import { believingGuard, loadMemberConfig, openGuard, plainTransport } from '@cell/control-plane/testing';
import { PeerService } from '@cell/proto';
import { pino } from 'pino';
import { NODE_KEY } from './plain-metadata.ts';

const configFile = process.argv.at(-1) ?? '';
const config = loadMemberConfig({ file: configFile, environment: {} });
const guard: ReturnType<typeof openGuard> = {
  enter(method, call) {
    if (method.parent === PeerService) return believingGuard().enter(method, call);
    const [id] = call.metadata.get(NODE_KEY);
    const caller = id === undefined ? undefined : ({ kind: 'node', id: String(id), expired: false } as const);
    return openGuard(caller).enter(method, call);
  },
};
const member = await startMember(config, {
  log: pino({ level: config.log.level }),
  onFatal: (error) => {
    throw error;
  },
  transport: plainTransport(),
  guard,
});
process.once('SIGTERM', () => void member.stop().then(() => process.exit()));
