import type { PlainValue } from '@cell/sdk';
import { jsonText } from './json-text.ts';

/** Words that YAML readers, old ones too, take for something else than text. */
const SPECIAL = /^(?:true|false|yes|no|on|off|y|n|null|~|[-+]?\.(?:inf|nan)|<<|=)?$/iu;
const PLAIN = /^[A-Za-z_/][A-Za-z0-9_/.@+-]*(?: [A-Za-z0-9_/.@+(),-]+)*$/u;

/** The value as YAML, which any reader of YAML 1.1 or 1.2 takes for the same as the JSON. */
export function renderYaml(value: PlainValue): string {
  return typeof value === 'object' && value !== null && !isEmpty(value) ? block(value, '') : `${scalar(value)}\n`;
}

type Structure = readonly PlainValue[] | { readonly [key: string]: PlainValue };

function block(value: Structure, indent: string): string {
  if (isList(value)) {
    return value
      .map((item) => {
        if (!isStructure(item)) return `${indent}- ${scalar(item)}\n`;
        // The first line of the item stands on the line of its dash.
        return `${indent}- ${block(item, `${indent}  `).slice(indent.length + 2)}`;
      })
      .join('');
  }
  return Object.entries(value)
    .map(([key, item]) => {
      const name = `${indent}${text(key)}:`;
      return isStructure(item) ? `${name}\n${block(item, `${indent}  `)}` : `${name} ${scalar(item)}\n`;
    })
    .join('');
}

function isStructure(value: PlainValue): value is Structure {
  return typeof value === 'object' && value !== null && !isEmpty(value);
}

function isList(value: Structure): value is readonly PlainValue[] {
  return Array.isArray(value);
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

function scalar(value: PlainValue): string {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return '[]';
  return typeof value === 'object' && value !== null ? '{}' : String(value);
}

function text(value: string): string {
  return PLAIN.test(value) && !SPECIAL.test(value) ? value : jsonText(value);
}
