import { BlockList, isIP } from 'node:net';
import { type Setting, scalar } from './setting.ts';

const PORT_MAX = 65_535;
const HOST_LENGTH_MAX = 253;
const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** "host:port" or "[host]:port" in its parts; undefined if it is neither. */
export function splitAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (found === null) return undefined;
  const host = found[1] ?? found[2]!;
  const port = Number(found[3]);
  const known = found[1] === undefined ? HOST_NAME.test(host) && host.length <= HOST_LENGTH_MAX : isIP(host) === 6;
  return known && port <= PORT_MAX ? { host, port } : undefined;
}

export function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Only literal addresses and "localhost": any other name can be made to mean another machine. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host === 'localhost';
  return loopback.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** An address to connect to. */
export function address(): Setting<string> {
  return scalar('an address such as "127.0.0.1:7600"', (value) => {
    const parts = typeof value === 'string' ? splitAddress(value) : undefined;
    return parts !== undefined && parts.port > 0 ? (value as string) : undefined;
  });
}

/** An address to listen on; port 0 lets the kernel choose. */
export function listenAddress(): Setting<string> {
  return scalar('an address to listen on, such as "127.0.0.1:7600"', (value) =>
    typeof value === 'string' && splitAddress(value) !== undefined ? value : undefined,
  );
}

/** A machine: its name or its address, without a port. */
export function host(): Setting<string> {
  return scalar('the address or the name of a machine, such as "10.0.0.1"', (value) =>
    typeof value === 'string' && isHost(value) ? value : undefined,
  );
}

/** A machine, with or without a port, read as "host:port". */
export function addressWithPort(port: number): Setting<string> {
  return scalar(`the address or the name of a machine, with or without a port, such as "10.0.0.1:${port}"`, (value) =>
    typeof value === 'string' ? withPort(value, port) : undefined,
  );
}

/** "host:port" of a machine that is given with or without a port; undefined if it is neither. */
export function withPort(text: string, port: number): string | undefined {
  if (isHost(text)) return joinAddress(text, port);
  const parts = splitAddress(text);
  return parts !== undefined && parts.port > 0 ? text : undefined;
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || splitAddress(joinAddress(text, 1))?.host === text;
}
