/** Messages of the contract as plain values, for programs that read JSON or YAML rather than Protobuf. */
import type { DescEnum, DescField, DescMessage, MessageShape } from '@bufbuild/protobuf';
import { isMessage } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence, type Timestamp, TimestampSchema, timestampDate } from '@bufbuild/protobuf/wkt';

export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/**
 * Every field is there: what is absent is null, times are ISO 8601 text (such as no calendar has: seconds since 1970), bytes base64, values of enums lower-case words
 * without their prefix ("running"; "unspecified" for none). Numbers beyond 2^53 are text.
 */
export function plainMessage<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
): { readonly [key: string]: PlainValue } {
  return plainFields(reflect(schema, message));
}

function plainFields(message: ReflectMessage): { readonly [key: string]: PlainValue } {
  return Object.fromEntries(message.fields.map((field) => [field.localName, plainField(message, field)]));
}

function plainField(message: ReflectMessage, field: DescField): PlainValue {
  switch (field.fieldKind) {
    case 'list':
      return [...message.get(field)].map((item) => plainItem(item, field.enum));
    case 'map':
      return Object.fromEntries(
        [...message.get(field)].map(([key, item]) => [String(key), plainItem(item, field.enum)] as const),
      );
    default:
      if (
        (field.presence !== FeatureSet_FieldPresence.IMPLICIT || field.message !== undefined) &&
        !message.isSet(field)
      )
        return null;
      return plainItem(message.get(field), field.enum);
  }
}

function plainItem(value: unknown, enumeration: DescEnum | undefined): PlainValue {
  if (enumeration !== undefined) return enumWord(enumeration, value as number);
  switch (typeof value) {
    case 'bigint':
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
    case 'boolean':
    case 'number':
    case 'string':
      return value;
    default:
      break;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const reflected = value as ReflectMessage;
  if (isMessage(reflected.message, TimestampSchema)) return timeText(reflected.message);
  return plainFields(reflected);
}

/** A time that no calendar has is its seconds since 1970. */
function timeText(time: Timestamp): string {
  const date = timestampDate(time);
  return Number.isNaN(date.getTime()) ? String(time.seconds) : date.toISOString();
}

/** "JOB_STATUS_RUNNING" is "running"; a value that this version does not know is its number. */
export function enumWord(enumeration: DescEnum, value: number): string {
  const name = enumeration.value[value]?.name;
  if (name === undefined) return String(value);
  const prefix = enumeration.sharedPrefix?.toUpperCase() ?? '';
  return name.slice(prefix.length).toLowerCase().replaceAll('_', '-');
}
