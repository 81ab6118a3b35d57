import type { MemberAddress } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';

/** One group of Prometheus' HTTP service discovery. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * What Prometheus should scrape: every member and every node's agent, lost ones included, since their `up` being 0 is
 * what one wants to be told. Ordered, so that the same fleet gives the same text.
 */
export function scrapeTargets(cluster: string, members: readonly MemberAddress[], state: FleetState): TargetGroup[] {
  const controlPlane = members.map(({ id, http }) => ({
    targets: [http],
    labels: { __meta_cell_role: 'control-plane', __meta_cell_node: `member-${id}`, __meta_cell_cluster: cluster },
  }));
  const nodes = [...state.nodes.values()].filter((node) => node.httpAddress !== '');
  nodes.sort((left, right) => (left.name < right.name ? -1 : 1));
  const agents = nodes.map(({ name, httpAddress }) => ({
    targets: [httpAddress],
    labels: { __meta_cell_role: 'agent', __meta_cell_node: name, __meta_cell_cluster: cluster },
  }));
  return [...controlPlane, ...agents];
}
