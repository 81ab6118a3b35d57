/** Tokens as messages of the contract, without their secrets. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Outgoing, Role, type TokenSchema } from '@cell/proto';
import type { TokenRole, TokenRow } from '../model/identity.ts';

const roles: Readonly<Record<TokenRole, Role>> = {
  viewer: Role.VIEWER,
  operator: Role.OPERATOR,
  admin: Role.ADMIN,
  agent: Role.AGENT,
  'control-plane': Role.CONTROL_PLANE,
};

/** Undefined for one that this member does not know. */
export function roleFromProto(said: Role): TokenRole | undefined {
  return (Object.keys(roles) as TokenRole[]).find((role) => roles[role] === said);
}

export function tokenToProto(row: TokenRow): Outgoing<typeof TokenSchema> {
  const { id, name, role, namespace = '', createdAtMs, createdBy, expiresAtMs, usesLeft } = row;
  return {
    id,
    name,
    role: roles[role],
    namespace,
    createdAt: timestampFromMs(createdAtMs),
    createdBy,
    ...(expiresAtMs === undefined ? {} : { expiresAt: timestampFromMs(expiresAtMs) }),
    ...(usesLeft === undefined ? {} : { usesLeft }),
  };
}
