import type { AgentConfig } from './config/agent-config.ts';
import type { AllocationManager } from './execute/allocation-manager.ts';
import type { Inventory } from './inventory/read-inventory.ts';
import { readNodeHealth } from './inventory/read-node-health.ts';
import { desiredFromProto, execRequestFromProto, logRequestFromProto } from './link/from-proto.ts';
import type { LeaseClock } from './link/lease-clock.ts';
import type { LogSender } from './link/send-logs.ts';
import type { ExecServer } from './link/serve-exec.ts';
import type { SessionHandler, TrustValue } from './link/session.ts';
import type { Log, Usage } from './ports.ts';
import { readBootId } from './runtime/process/process-identity.ts';
import type { AgentStore } from './state/agent-store.ts';
import { agentVersion } from './version.ts';

export interface HandlerParts {
  readonly config: AgentConfig;
  readonly store: AgentStore;
  readonly manager: AllocationManager;
  readonly lease: LeaseClock;
  readonly inventory: Inventory;
  readonly logs: LogSender;
  readonly commands: ExecServer;
  readonly log: Log;
  readonly httpAddress: () => string;
  /** What allocations use now. */
  readonly usage: () => Promise<ReadonlyMap<string, Usage>>;
  /** It was renewed, or some time has passed. */
  readonly leaseChanged: () => void;
  readonly trust: (trust: TrustValue) => void;
}

/** Brings together what sessions bring and what the agent does with it. */
export function sessionHandler(parts: HandlerParts): SessionHandler {
  const { config, store, manager, lease, inventory, logs, commands, log } = parts;
  return {
    introduction: () => ({
      ...store.node,
      nodeName: config.name,
      agentVersion,
      inventory,
      httpAddress: parts.httpAddress(),
      allocations: manager.reports(),
    }),
    vitalSigns: async () => ({ health: await readNodeHealth(config.data), usage: await parts.usage() }),
    welcomed: ({ clusterId }) => {
      if (store.node.clusterId === clusterId) return;
      void store.saveNode({ ...store.node, clusterId }).catch((error: unknown) => {
        log.error({ err: error }, 'Could not store the id of the cluster; make room in the data folder');
      });
    },
    confirmed: (sentAtMs, leaseMs) => {
      lease.renew({ sentAtMs, leaseMs });
      parts.leaseChanged();
      // Only a restart of the agent needs it: without it, what must not run without a lease is stopped.
      void store.saveLease({ bootId: readBootId(), sentAtMs, leaseMs }).catch(() => undefined);
    },
    desired: async (said) => {
      const change = desiredFromProto(said);
      if (await manager.apply(change)) return;
      const has = `this node has generation ${store.node.generation}`;
      throw new Error(`The member sent generation ${change.generation}, ${has}; an older one is refused`);
    },
    trust: parts.trust,
    openLogs: ({ requestId, request }, client) => {
      const id = request?.allocationId ?? '';
      const wanted =
        request === undefined
          ? ({ follow: false, tailLines: undefined, stream: 'both' } as const)
          : logRequestFromProto(request);
      void logs.send(client, requestId, (signal) => manager.readLogs(id, wanted, signal));
    },
    openExec: ({ requestId, start }, client) => {
      const request = execRequestFromProto(start);
      void commands.serve(client, requestId, (input, signal) => manager.exec(request, input, signal));
    },
  };
}
