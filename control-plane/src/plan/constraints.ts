import type { Constraint } from '@cell/job';

/** Whether a node with these attributes meets a constraint. */
export function meetsConstraint(constraint: Constraint, attributes: Readonly<Record<string, string>>): boolean {
  const { attribute, operator, value } = constraint;
  const found = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
  switch (operator) {
    case 'equal':
      return found === value;
    case 'not-equal':
      return found !== value;
    case 'in':
      return found !== undefined && listed(value).includes(found);
    case 'not-in':
      return found === undefined || !listed(value).includes(found);
    case 'exists':
      return found !== undefined;
    case 'not-exists':
      return found === undefined;
    case 'at-least':
      return numberOf(found) >= numberOf(value);
    case 'at-most':
      return numberOf(found) <= numberOf(value);
  }
}

export function meetsAll(constraints: readonly Constraint[], attributes: Readonly<Record<string, string>>): boolean {
  return constraints.every((constraint) => meetsConstraint(constraint, attributes));
}

/** What a constraint asks for, such as `"kernel.name" must be "linux"`. */
export function describeConstraint({ attribute, operator, value }: Constraint): string {
  return `"${attribute}" ${phrases[operator](value)}`;
}

const phrases: { readonly [Operator in Constraint['operator']]: (value: string) => string } = {
  equal: (value) => `must be "${value}"`,
  'not-equal': (value) => `must not be "${value}"`,
  in: (value) => `must be one of "${listed(value).join('", "')}"`,
  'not-in': (value) => `must be none of "${listed(value).join('", "')}"`,
  exists: () => 'must be there',
  'not-exists': () => 'must not be there',
  'at-least': (value) => `must be at least ${value}`,
  'at-most': (value) => `must be at most ${value}`,
};

function listed(value: string): readonly string[] {
  return value.split(',').map((item) => item.trim());
}

/** NaN, which compares as false with everything, unless the text is a finite number. */
function numberOf(text: string | undefined): number {
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : Number.NaN;
}
