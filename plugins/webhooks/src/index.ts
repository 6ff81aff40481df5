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
  /** Address of the receiver, or of several, each of which receives all events. */
  url: listOf(webUrl),
  /** Secret that signs events: base64, with or without `whsec_` before it. The first of a list is the current one. */
  secret: listOf(secret),
  /** Events that are sent. */
  events: z
    .array(z.enum(EVENTS))
    .min(1)
    .default([...EVENTS]),
  /** Kinds of work that events are sent for. */
  types: z
    .array(z.enum(TYPES))
    .min(1)
    .default([...TYPES]),
  /** Address of this server for clients: `https://media.example.com`. Left out: from the request. */
  baseUrl: webUrl.optional(),
  /** Retries of an event that the receiver did not accept. */
  retries: z.int().min(0).max(20).default(8),
  /** Milliseconds before the first retry; the wait doubles with each, up to five minutes. */
  retryWait: z.int().positive().default(1_000),
  /** Milliseconds that a receiver has for its response. */
  timeout: z.int().positive().default(10_000),
  /** Events that can wait for one receiver; further ones are dropped. */
  waiting: z.int().positive().default(1_000),
});

/** Options of `webhooks`. */
export type WebhooksOptions = z.input<typeof schema>;

/**
 * Sends webhooks in ImageKit's format when a video is accepted, is ready or has failed. Events wait in memory: those that are
 * not delivered when the process ends are lost.
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
      const senders = urls.map((url, index) => {
        const settings = { url, index, secrets, retries, timeout, waiting, firstWait: retryWait };
        // Waiting events outlive a new configuration. Hashed: names of shared objects can be shown.
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
        await Promise.all(senders.map((sender) => sender.detach(server)));
      });
    },
  };
}

export default webhooks;
