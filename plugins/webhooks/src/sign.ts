import { createHmac } from "node:crypto";

/** What is signed: the same bytes as are sent. */
export interface Message {
  readonly id: string;
  readonly body: string;
  /** Milliseconds since 1970, of this try. */
  readonly at: number;
}

/**
 * The headers that prove where an event comes from, in both schemes that ImageKit's SDKs know: its own `x-ik-signature`,
 * whose key is the secret as it is written, and Standard Webhooks, whose key is what the secret is the base64 of. Of several
 * secrets the first signs in the first scheme, all in the second.
 */
export function signatures(secrets: readonly string[], { id, body, at }: Message): Record<string, string> {
  const seconds = Math.floor(at / 1000);
  const [first = ""] = secrets;
  return {
    "x-ik-signature": `t=${at},v1=${createHmac("sha256", first).update(`${at}.${body}`).digest("hex")}`,
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": secrets
      .map((secret) =>
        createHmac("sha256", keyOf(secret)).update(`${id}.${seconds}.${body}`).digest("base64"),
      )
      .map((signature) => `v1,${signature}`)
      .join(" "),
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
