/** What credentials may be called: in job files, and where agents make files of secrets. Imports nothing. */

/** Without "/", and never a folder; `__proto__` would be lost in a JavaScript object on its way. */
export const CREDENTIAL_NAME_PATTERN = /^(?!\.{1,2}$|__proto__$)[A-Za-z0-9._@+-]{1,64}$/;
export const CREDENTIAL_NAME_ALLOWED = '1 to 64 letters, digits, ".", "_", "@", "+" and "-", and not "." or ".."';
