import { createServer, type Server } from 'node:net';

/**
 * Below the range that the kernel takes for outgoing connections (it begins at 32768), so that a port that is free now
 * is not taken by the next connection; below what agents give to workloads (from 20000); and above those that `fetch`
 * refuses to connect to (10080 is the highest).
 */
const FIRST = 10_100;
const LAST = 19_999;

/** What agents give to workloads. */
const BLOCKS_FIRST = 20_000;
const BLOCKS_LAST = 31_999;

const ATTEMPTS_MAX = 1000;

/**
 * Each process that asks has one for itself: the port of a daemon that is down for a moment is free, and another test's
 * daemon must not take it.
 */
const SLICE = 330;
const SLICES = Math.floor((LAST - FIRST + 1) / SLICE);

const given = new Set<number>();
let slice: Promise<number> | undefined;

/** The first port of a slice of its own, which this process listens on for as long as it lives. */
function ownSlice(): Promise<number> {
  slice ??= takeSlice();
  return slice;
}

async function takeSlice(): Promise<number> {
  const begin = Math.floor(Math.random() * SLICES);
  for (let place = 0; place < SLICES; place += 1) {
    const port = FIRST + ((begin + place) % SLICES) * SLICE;
    const holder = await listenOn(port);
    if (holder === undefined) continue;
    holder.unref();
    return port;
  }
  throw new Error(`${SLICES} processes have test ports already`);
}

/** Ports that nobody listens on, none of them given out before. */
export async function freePorts(count: number): Promise<number[]> {
  const first = (await ownSlice()) + 1;
  const ports: number[] = [];
  for (let attempts = 0; ports.length < count; attempts += 1) {
    if (attempts >= ATTEMPTS_MAX) throw new Error(`Found ${ports.length} of ${count} free ports`);
    const port = first + Math.floor(Math.random() * (SLICE - 1));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

/** The first of so many ports in a row that nobody listens on: workloads of another fleet on this machine may. */
export async function freePortBlock(count: number): Promise<number> {
  const places = BLOCKS_LAST - BLOCKS_FIRST + 2 - count;
  if (places < 1) throw new Error(`There are no ${count} ports for workloads`);
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
    const first = BLOCKS_FIRST + Math.floor(Math.random() * places);
    if (await areFree(first, count)) return first;
  }
  throw new Error(`Found no ${count} free ports in a row`);
}

async function areFree(first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port += 1) if (!(await isFree(port))) return false;
  return true;
}

/** So many free ports in a row, given by the first. */
export async function freePortRow(count: number): Promise<number> {
  const lowest = (await ownSlice()) + 1;
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
    const first = lowest + Math.floor(Math.random() * (SLICE - count));
    const row = Array.from({ length: count }, (_, place) => first + place);
    if (row.some((port) => given.has(port)) || (await Promise.all(row.map(isFree))).includes(false)) continue;
    for (const port of row) given.add(port);
    return first;
  }
  throw new Error(`Found no ${count} free ports in a row`);
}

async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port);
  if (server === undefined) return false;
  await new Promise<void>((closed) => {
    server.close(() => closed());
  });
  return true;
}

/** Nothing if somebody else does. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server));
  });
}
