const MASK = "***";

/** Fields whose values are secrets, by the end of their names: `privateKey`, `sasToken`, `connectionString` … */
const SECRET =
  /(?:key|keys|secret|token|password|passphrase|credentials?|authorization|cookie|connectionString|signature)$/i;

/** Fields all of whose values may be secrets. */
const SECRET_MAP = /^(?:headers|credentials?)$/i;

/**
 * Query parameters of an address that give access: signatures, keys and tokens, whichever service they are for. An address in the path of
 * another one is percent-encoded.
 */
const SECRET_QUERY =
  /((?:[?&]|%3f|%26)(?:sig|ik-s|key|(?:api|access)[-_]?key|token|access[-_]?token|auth|jwt|hmac|secret|password|signature|x-(?:amz|goog)-[\w-]{0,60})(?:=|%3d))(?:(?!%26|%23)[^&#\s])*/gi;

/** User and password of an address, percent-encoded or not. */
const USER = /(:\/\/|%3a%2f%2f)(?:(?!%2f|%3f|%23)[^/?#@\s])+(@|%40)/gi;

/** Keys of the management, which say what they are. */
const API_KEY = /mtk_[0-9a-f]{12}_[\w-]{43}/g;

/** Whether a field of this name contains a secret. */
export function isSecret(name: string): boolean {
  return SECRET.test(name) || SECRET_MAP.test(name);
}

/** A text without API keys, and without the passwords and signatures of the addresses in it. */
export function maskText(text: string): string {
  return text.replace(API_KEY, MASK).replace(USER, `$1${MASK}$2`).replace(SECRET_QUERY, `$1${MASK}`);
}

/** Which fields of an object are secret, and what decides about their values. */
export interface SecretFields {
  /** @default by its name, at any depth */
  field(name: string): { readonly secret: boolean; readonly below?: SecretFields };
}

const BY_NAME: SecretFields = { field: (name) => ({ secret: isSecret(name) }) };

/** Plain data with secrets replaced by `***`. */
export function maskSecrets(value: unknown, fields: SecretFields = BY_NAME): unknown {
  if (typeof value === "string") return maskText(value);
  if (Array.isArray(value)) return value.map((entry) => maskSecrets(entry, fields));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const { secret, below } = fields.field(name);
      const hidden = secret && field !== undefined && field !== null;
      return [name, hidden ? MASK : maskSecrets(field, below)];
    }),
  );
}
