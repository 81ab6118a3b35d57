import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('tests of this kind run as root in a machine with a systemd of its own', () => {
  expect(process.getuid?.()).toBe(0);
  expect(readFileSync('/proc/1/comm', 'utf8')).toBe('systemd\n');
  expect(existsSync('/run/dbus/system_bus_socket')).toBe(true);
});
