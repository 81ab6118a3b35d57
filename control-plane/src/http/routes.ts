import type { Registry } from 'prom-client';
import type { HttpAnswer, HttpRoute } from './http-server.ts';
import type { TargetGroup } from './service-discovery.ts';

export interface RouteParts {
  readonly registry: Registry;
  /** Why this member can't serve now; undefined if it can. */
  readonly unreadiness: () => string | undefined;
  readonly targets: () => readonly TargetGroup[];
}

/** What a member serves to Prometheus and to whatever watches its process. */
export function memberRoutes({ registry, unreadiness, targets }: RouteParts): Map<string, HttpRoute> {
  const metrics = async () => ok(registry.contentType, await registry.metrics());
  const readiness = () => {
    const reason = unreadiness();
    return reason === undefined ? text(200, 'ok') : text(503, reason);
  };
  return new Map<string, HttpRoute>([
    ['/metrics', { open: false, answer: metrics }],
    ['/livez', { open: true, answer: () => text(200, 'ok') }],
    ['/readyz', { open: true, answer: readiness }],
    ['/v1/sd', { open: false, answer: () => ok('application/json', JSON.stringify(targets())) }],
  ]);
}

function ok(contentType: string, body: string): HttpAnswer {
  return { status: 200, contentType, body };
}

function text(status: 200 | 503, body: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}
