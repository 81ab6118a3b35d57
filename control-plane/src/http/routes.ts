import type { Registry } from 'prom-client';
import type { HttpAnswer } from './http-server.ts';
import type { TargetGroup } from './service-discovery.ts';

export interface RouteParts {
  readonly registry: Registry;
  /** Why this member can't serve now; undefined if it can. */
  readonly unreadiness: () => string | undefined;
  readonly targets: () => readonly TargetGroup[];
}

type Route = () => HttpAnswer | Promise<HttpAnswer>;

/** What a member serves to Prometheus and to whatever watches its process. */
export function memberRoutes({ registry, unreadiness, targets }: RouteParts): Map<string, Route> {
  return new Map<string, Route>([
    ['/metrics', async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() })],
    ['/livez', () => text(200, 'ok')],
    [
      '/readyz',
      () => {
        const reason = unreadiness();
        return reason === undefined ? text(200, 'ok') : text(503, reason);
      },
    ],
    ['/v1/sd', () => ({ status: 200, contentType: 'application/json', body: JSON.stringify(targets()) })],
  ]);
}

function text(status: 200 | 503, body: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}
