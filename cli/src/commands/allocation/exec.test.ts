import { codedError } from '@cell/sdk/testing';
import { expect, test } from 'vitest';
import { type ExecCall as Call, command, exit } from '../../testing/fake-exec.ts';
import { runCellctl } from '../../testing/run-cellctl.ts';
import type { Terminal } from '../../world.ts';

function fakeTerminal() {
  const log: string[] = [];
  let listener = () => {};
  const size = { columns: 100, rows: 40 };
  const terminal: Terminal = {
    size: () => ({ ...size }),
    onResize: (given) => {
      listener = given;
      return () => log.push('resize off');
    },
    takeKeys: () => {
      log.push('keys taken');
      return () => log.push('keys given back');
    },
  };
  const resize = (columns: number) => {
    size.columns = columns;
    listener();
  };
  return { log, terminal, resize };
}

test('input goes in, both outputs come out apart, and the exit code is passed on', async () => {
  const { said, handlers } = command();
  const result = await runCellctl(['allocation', 'exec', '01KA', '--', 'cat', '-n'], handlers, { input: 'hello' });
  expect(result).toMatchObject({ exitCode: 7, output: 'hello', errors: 'heard', calls: ['exec'] });
  expect(said.slice(0, 3)).toEqual(['01KA: cat -n (pipes)', 'data hello', 'end']);
});

test.each([
  ['exec 01KA -- ls -l --help', 'ls -l --help (pipes)'],
  ['exec 01KA ls -l --help', 'ls -l --help (pipes)'],
  ['exec -i 01KA ls -- -t', 'ls -- -t (pipes)'],
  ['exec -- 01KA ls -i', 'ls -i (pipes)'],
  ['exec 01KA -it -- sh', 'sh (vt 100x40)'],
  ['exec -t 01KA --no-color sh', 'sh (vt 100x40)'],
])('"%s" runs "%s"', async (words, started) => {
  const { said, handlers } = command((call, text) => text.startsWith('01KA') && exit(call, 0));
  const options = { terminal: fakeTerminal().terminal, environment: { TERM: 'vt' } };
  expect(await runCellctl(['allocation', ...words.split(' ')], handlers, options)).toMatchObject({ exitCode: 0 });
  expect(said[0]).toBe(`01KA: ${started}`);
});

test.each([
  ['exec', /ALLOCATION is missing/],
  ['exec 01KA', /COMMAND is missing: program and arguments/],
  ['exec 01KA --', /COMMAND is missing/],
  ['exec --nope 01KA ls', /no flag "--nope"/],
])('"%s" is refused with 255', async (words, errors) => {
  const result = await runCellctl(['allocation', ...words.split(' ')], {});
  expect(result).toMatchObject({ exitCode: 255, errors: expect.stringMatching(errors), calls: [] });
});

test('people at a terminal get one, with its size and its changes, and their keys back in the end', async () => {
  const { log, terminal, resize } = fakeTerminal();
  const { said, handlers } = command((call, text) => {
    if (text === 'data k') resize(120);
    if (text === 'resize 120x40') exit(call, 0);
  });
  const options = { terminal, terminalColumns: 100, input: 'k', environment: { TERM: 'screen' } };
  expect(await runCellctl(['allocation', 'exec', 'a', 'sh'], handlers, options)).toMatchObject({ exitCode: 0 });
  // The member hears of the end of the call after cellctl has ended.
  await expect
    .poll(() => said.filter((text) => text !== 'end'))
    .toEqual(['a: sh (screen 100x40)', 'data k', 'resize 120x40', 'cancelled']);
  expect(log.slice(0, 2)).toEqual(['keys taken', 'keys given back']);
});

test('keys are not taken before the command runs, nor without a terminal', async () => {
  const refusing = { exec: ((call: Call) => call.emit('error', codedError('CELL_E_NOT_RUNNING', 'Ended'))) as never };
  const refused = fakeTerminal();
  const options = { terminal: refused.terminal, terminalColumns: 100 };
  const result = await runCellctl(['allocation', 'exec', 'a', 'sh'], refusing, options);
  expect(result).toMatchObject({ exitCode: 255, errors: expect.stringContaining('CELL_E_NOT_RUNNING') });
  expect(refused.log).toEqual([]);
  const piped = fakeTerminal();
  const { handlers } = command();
  await runCellctl(['allocation', 'exec', '-i', 'a', 'sh'], handlers, { ...options, terminal: piped.terminal });
  expect(piped.log).toEqual([]);
});

test('keys are given back when the connection breaks or the output of the command is cut', async () => {
  for (const cut of [
    (call: Call) => call.emit('error', codedError('CELL_E_NODE_UNREACHABLE', 'The agent went away')),
    (call: Call) => call.end(),
  ]) {
    const { log, terminal } = fakeTerminal();
    const { handlers } = command((call, text) => text === 'data k' && cut(call));
    const options = { terminal, terminalColumns: 100, input: 'k' };
    const result = await runCellctl(['allocation', 'exec', 'a', 'sh'], handlers, options);
    expect(result).toMatchObject({ exitCode: 255, errors: expect.stringMatching(/CELL_E_(NODE|CONN)/) });
    expect(log).toContain('keys given back');
  }
});

test('the command is ended when cellctl is, and an impossible exit code is an error', async () => {
  const { said, handlers } = command();
  const interrupted = new AbortController();
  const running = runCellctl(['allocation', 'exec', '-t', 'a', 'sh'], handlers, { signal: interrupted.signal });
  await expect.poll(() => said).toContain('end');
  interrupted.abort(new Error('Ctrl-C'));
  await running;
  await expect.poll(() => said).toContain('cancelled');
  const odd = command((call) => exit(call, 256));
  expect((await runCellctl(['allocation', 'exec', 'a', 'sh'], odd.handlers)).exitCode).toBe(255);
});

test('a command is not begun again elsewhere when its member goes away before it has answered', async () => {
  const crashing = { exec: ((call: Call) => call.emit('error', new Error('gone'))) as never };
  const result = await runCellctl(['allocation', 'exec', 'a', 'rm'], crashing);
  expect(result).toMatchObject({ exitCode: 255, calls: ['exec'] });
});
