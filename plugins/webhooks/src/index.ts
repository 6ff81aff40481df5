import { hash } from "node:crypto";
import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { addCalls } from "./calls.ts";
import { EVENTS, TYPES } from "./event.ts";
import { createSender } from "./send.ts";
import { isSecret } from "./sign.ts";
import { watch } from "./watch.ts";

const NAME = "webhooks";

const webUrl = z.url({ protocol: /^https?$/, error: "Expected a URL that begins with http:// or https://" });
const secret = z.string().refine(isSecret, {
  error: "Expected base64, with or without whsec_ before it (openssl rand -base64 32)",
});
const listOf = <T extends z.ZodType>(one: T) =>
  z
    .union([one, z.array(one).min(1)])
    .transform((value) => (Array.isArray(value) ? value : [value]) as z.output<T>[]);

const schema = z.strictObject({
  /** Where events are sent: one address, or several, each of which gets them all. */
  url: listOf(webUrl),
  /** What events are signed with: base64, `whsec_` before it or not. Of a list the first is the current one. */
  secret: listOf(secret),
  /** Which are sent. */
  events: z
    .array(z.enum(EVENTS))
    .min(1)
    .default([...EVENTS]),
  /** What they may tell of. */
  types: z
    .array(z.enum(TYPES))
    .min(1)
    .default([...TYPES]),
  /** Where clients reach this server: `https://media.example.com`. Left out: as requests say. */
  baseUrl: webUrl.optional(),
  /** How often an event is sent again that was not taken. */
  retries: z.int().min(0).max(20).default(8),
  /** Milliseconds before the first retry; each further wait is twice as long, up to five minutes. */
  retryWait: z.int().positive().default(1_000),
  /** Milliseconds that a receiver has for its answer. */
  timeout: z.int().positive().default(10_000),
  /** Events that may wait for one receiver; what comes beyond is dropped. */
  waiting: z.int().positive().default(1_000),
});

/** Options of `webhooks`. */
export type WebhooksOptions = z.input<typeof schema>;

/**
 * Tells of videos that were begun, are ready or failed, by webhooks in ImageKit's form. Events wait in memory: those that are
 * under way when the process ends are lost.
 */
export function webhooks(options: WebhooksOptions): Plugin {
  const checked = parseOptions(schema, options, NAME);
  const {
    url: urls,
    secret: secrets,
    events,
    types,
    baseUrl,
    retries,
    retryWait,
    timeout,
    waiting,
  } = checked;
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, fetcher, logger, shared, manage, cluster }) {
      const server = { fetcher, logger };
      const senders = urls.map((url, place) => {
        const settings = { url, place, secrets, retries, timeout, waiting, firstWait: retryWait };
        // What waits outlives a new configuration. Hashed: a name of something shared may be shown.
        const name = hash("sha256", JSON.stringify(settings));
        return shared(`${NAME}:${name}`, () => createSender(settings));
      });
      hooks.start.tap(NAME, () => {
        for (const sender of senders) sender.use(server);
      });
      addCalls({ manage, hooks, cluster }, NAME, senders);
      watch(hooks, { types, baseUrl }, (event, asset) => {
        if (!events.includes(event.type)) return;
        for (const sender of senders) sender.send(event, asset);
      });
      hooks.stop.tapPromise(NAME, async () => {
        await Promise.all(senders.map((sender) => sender.leave(server)));
      });
    },
  };
}

export default webhooks;
