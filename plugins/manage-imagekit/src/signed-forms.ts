import { createHmac, timingSafeEqual } from "node:crypto";
import { type Endpoint, MediaError, type PluginApi } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { checked } from "./objects.ts";

const TOPIC = "manage-imagekit:tokens";

/** Collection of the store. */
const COLLECTION = "manage-imagekit-tokens";

/** Seconds for which a signature can be valid, as of the service. */
const MAX_SECONDS = 3_600;

/** Tokens that are known to be used. */
const MAX_TOKENS = 100_000;
const RETRY_SECONDS = 60;

/** Fields with which a form is signed (https://imagekit.io/docs/api-reference/upload-file/upload-file#how-to-implement-client-side-file-upload). */
export const signedFields = z.object({
  /** Names the account at the service; here the signature does. */
  publicKey: z.string().max(200),
  /** HMAC-SHA-1 of token and expire, by a private key, as hexadecimal digits. */
  signature: z.string().regex(/^[0-9a-f]{40}$/i, "Expected 40 hexadecimal digits"),
  /** Seconds since 1970. */
  expire: z.string().regex(/^\d{10}$/, "Expected a time in seconds since 1970"),
  /** Signed URLs have signatures of the same kind, of a path and a time: no path but a UUID at the root is a token. */
  token: z.string().regex(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i, "Expected a UUID"),
});

/** Checks the signatures of forms; each is valid once. */
export function createKeyOf({ shared, cluster: { bus, records } }: Pick<PluginApi, "shared" | "cluster">) {
  const stored = records(COLLECTION);
  const { used } = shared(TOPIC, () => {
    // With `max` it would reserve space for all tokens at the start, 4 MiB that most servers never need.
    const used = new LRUCache<string, true>({ ttl: MAX_SECONDS * 1000, ttlAutopurge: true });
    const close = bus.subscribe(TOPIC, (id) => void (typeof id === "string" && used.set(id, true)));
    return { used, close };
  });

  /** Throws if a signature was used before, here or in another process. */
  async function use(id: string, now: number): Promise<void> {
    const again = () => refused("The token was used before.");
    if (used.has(id)) throw again();
    if (used.size >= MAX_TOKENS && !used.purgeStale()) {
      throw new MediaError("EBUSY", "Too many uploads: try again later.", {
        retryAfterSeconds: RETRY_SECONDS,
      });
    }
    used.set(id, true);
    await bus.publish(TOPIC, id);
    if (!stored) return;
    if (!(await stored.add(id, "used"))) throw again();
    await stored.deleteBefore(String(now));
  }

  /** The private key of these endpoints that has signed a form. Throws for any other form, and for one that was sent before. */
  return async (
    fields: Readonly<Record<string, string>>,
    endpoints: readonly Endpoint[],
  ): Promise<string> => {
    const { signature, expire, token } = checked(signedFields, fields);
    const now = Math.floor(Date.now() / 1000);
    const sent = Buffer.from(signature, "hex");
    const isSigner = (key: string) =>
      timingSafeEqual(
        createHmac("sha1", key)
          .update(token + expire)
          .digest(),
        sent,
      );
    const key = endpoints.flatMap(({ privateKeys }) => privateKeys).find(isSigner);
    if (key === undefined) throw refused("The signature does not fit the token and the time.");
    if (Number(expire) <= now) throw refused("The signature has expired.");
    if (Number(expire) > now + MAX_SECONDS) {
      throw refused(`Expected a time at most ${MAX_SECONDS} seconds ahead.`);
    }
    await use(`${expire}-${signature.toLowerCase()}`, now);
    return key;
  };
}

/** With status 401 browsers would ask for a password. */
const refused = (text: string) => new MediaError("ESIGNATURE", text, { status: 403 });
