import { createHmac } from "node:crypto";

/** What is signed: the same bytes as are sent. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** Milliseconds since 1970, of this try. */
  readonly at: number;
}

/**
 * The signature headers that ImageKit's SDKs check. `x-ik-signature`: an HMAC of the first secret, whose key is the
 * secret's text. `webhook-signature` (Standard Webhooks): two entries for each secret, since its key is read in two ways.
 * Standard Webhooks decodes the secret from base64; `client.webhooks.unwrap` of `@imagekit/nodejs` 7 uses its text.
 * Receivers accept an event if one of the entries matches.
 */
export function signatures(secrets: readonly string[], { id, body, at }: Message): Record<string, string> {
  const seconds = Math.floor(at / 1000);
  const [first = ""] = secrets;
  const sign = (key: string | Buffer) =>
    `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
  return {
    "x-ik-signature": `t=${at},v1=${createHmac("sha256", first).update(`${at}.${body}`).digest("hex")}`,
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": secrets.flatMap((secret) => [sign(keyOf(secret)), sign(secret)]).join(" "),
  };
}

const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/;

/** Whether a secret is base64, with or without `whsec_` before it. */
export function isSecret(text: string): boolean {
  return SECRET.test(text) && keyOf(text).length > 0;
}

function keyOf(secret: string): Buffer {
  return Buffer.from(SECRET.exec(secret)?.[1] ?? "", "base64");
}
