import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { MediaError } from "../model/errors.ts";
import { isSecret } from "../util/redact.ts";

/** Environment variable with the key. */
export const STATE_KEY = "MEDIATAP_STATE_KEY";

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

/** What encrypted values are authenticated with: they open nowhere else. */
const CONTEXT = Buffer.from("mediatap managed state 1");

/** An encrypted value in plain data: nonce, tag and ciphertext as base64url. */
export interface Sealed {
  readonly $secret: string;
}

export function isSealed(value: unknown): value is Sealed {
  return (
    value !== null && typeof value === "object" && typeof (value as Partial<Sealed>).$secret === "string"
  );
}

/** A new key, as text. */
export function newStateKey(): string {
  return randomBytes(KEY_BYTES).toString("base64");
}

/** Encrypts and decrypts the secrets of the managed state. */
export interface Secrets {
  /** Throws `ECONFIG`, in words for the operator, if there is no usable key. */
  assertKey(): void;
  /** Encrypts the secrets of plain data, by the names of their fields; what is encrypted already stays as it is. */
  seal<T>(data: T): T;
  /** Decrypts. Throws `ECONFIG` if the key is another one. */
  open<T>(data: T): T;
  /** A secret that only who has the key can derive; another one for each purpose. Throws as `assertKey`. */
  derive(purpose: string): Buffer;
}

/** @param text The key: 32 bytes as base64 or hexadecimal. */
export function createSecrets(text = process.env[STATE_KEY]): Secrets {
  const key = keyOf(text ?? "");

  function assertKey(): Buffer {
    if (key) return key;
    const found = text === undefined || text === "" ? "it is missing" : "received something else";
    throw new MediaError(
      "ECONFIG",
      `${STATE_KEY}: Expected 32 bytes as base64, with which secrets are encrypted, but ${found}: "mediatap state key" makes one`,
    );
  }

  function encrypt(value: unknown): Sealed {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, assertKey(), iv).setAAD(CONTEXT);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
    return { $secret: Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url") };
  }

  function decrypt({ $secret }: Sealed): unknown {
    const bytes = Buffer.from($secret, "base64url");
    const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)];
    const own = assertKey();
    try {
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv(CIPHER, own, iv, options).setAAD(CONTEXT).setAuthTag(tag);
      const rest = bytes.subarray(IV_BYTES + TAG_BYTES);
      return JSON.parse(Buffer.concat([decipher.update(rest), decipher.final()]).toString("utf8"));
    } catch (cause) {
      const text = `${STATE_KEY}: Expected the key that the secrets of the managed state were encrypted with`;
      throw new MediaError("ECONFIG", `${text} but received another one`, { cause });
    }
  }

  return {
    assertKey: () => void assertKey(),
    seal: (data) =>
      replaced(data, (name, value) => {
        if (isSealed(value)) return value;
        const isText = typeof value === "string" || (typeof value === "object" && value !== null);
        return isText && isSecret(name) ? encrypt(value) : undefined;
      }),
    open: (data) => replaced(data, (_, value) => (isSealed(value) ? decrypt(value) : undefined)),
    derive: (purpose) => createHmac("sha256", assertKey()).update(purpose).digest(),
  };
}

/** Plain data with other values of fields. `undefined`: the value itself is looked into. */
export function replaced<T>(data: T, replace: (name: string, value: unknown) => unknown): T {
  if (Array.isArray(data)) return data.map((entry) => replaced(entry, replace)) as T;
  if (data === null || typeof data !== "object") return data;
  const entries = Object.entries(data).map(([name, value]) => [
    name,
    replace(name, value) ?? replaced(value, replace),
  ]);
  return Object.fromEntries(entries) as T;
}

function keyOf(text: string): Buffer | undefined {
  const trimmed = text.trim();
  const isHex = /^[0-9a-f]{64}$/i.test(trimmed);
  const bytes = Buffer.from(trimmed, isHex ? "hex" : "base64");
  return bytes.length === KEY_BYTES ? bytes : undefined;
}
