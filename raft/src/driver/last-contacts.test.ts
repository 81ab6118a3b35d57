import { expect, test } from 'vitest';
import { LastContacts } from './last-contacts.ts';

test('the age of a contact grows with the ticks, and begins anew with each one', () => {
  const contacts = new LastContacts(50);
  expect(contacts.ageMs(2)).toBeUndefined();
  contacts.heardOf(2);
  expect(contacts.ageMs(2)).toBe(0);
  for (let tick = 0; tick < 3; tick += 1) contacts.tick();
  expect(contacts.ageMs(2)).toBe(150);
  contacts.heardOf(2);
  expect(contacts.ageMs(2)).toBe(0);
});

test('however many names come, only the newest are remembered', () => {
  const contacts = new LastContacts(50);
  contacts.heardOf(1);
  contacts.heardOf(2);
  for (let member = 10; member < 73; member += 1) contacts.heardOf(member);
  expect(contacts.ageMs(1)).toBeUndefined();
  expect(contacts.ageMs(2)).toBe(0);
});
