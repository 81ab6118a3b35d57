/** Names that jobs share with what is set up beside them: namespaces and secrets. */

/** Where jobs and secrets are that name no namespace. */
export const DEFAULT_NAMESPACE = 'default';

export const NAMESPACE_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const NAMESPACE_ALLOWED = '1 to 63 lower-case letters, digits, ".", "_" and "-", with a letter or digit first';

export const SECRET_NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const SECRET_NAME_ALLOWED = '1 to 63 letters, digits, ".", "_" and "-", with a letter or digit first';

/** What a namespace may be called instead; undefined if it may be called this. */
export function namespaceAllowed(name: string): string | undefined {
  return NAMESPACE_PATTERN.test(name) ? undefined : NAMESPACE_ALLOWED;
}

/** What a secret may be called instead; undefined if it may be called this. */
export function secretNameAllowed(name: string): string | undefined {
  return SECRET_NAME_PATTERN.test(name) ? undefined : SECRET_NAME_ALLOWED;
}
