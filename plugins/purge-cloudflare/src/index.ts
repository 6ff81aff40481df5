import { type Plugin, parseOptions, type RuntimeInfo } from "@mediatap/core";
import { type ActiveRule, foldersOf, folderTagOf, sourceTagOf } from "@mediatap/core/cache";
import { z } from "zod";
import { createApi } from "./api.ts";
import { createBatch } from "./batch.ts";

const NAME = "purge-cloudflare";

/** Items of one call: the limit of all Cloudflare plans. */
const MAX_CALL_ITEMS = 30;

/** Milliseconds for which purges are collected. */
const BATCH_DELAY_MS = 50;

const webUrl = z.url({ protocol: /^https?$/, error: "Expected a URL that begins with http:// or https://" });

const schema = z.strictObject({
  /** Id of the zone: 32 hexadecimal digits, on its overview page. */
  zone: z.string().regex(/^[0-9a-f]{32}$/i, "Expected the zone's id of 32 hexadecimal digits"),
  /** API token with the permission "Cache Purge" for the zone. */
  token: z.string().min(1),
  /** Addresses of this server for clients, for purges by a path: `https://img.example.com`. */
  baseUrls: z.array(webUrl).default([]),
  /** Retries of a failed call. */
  retries: z.int().min(0).max(10).default(3),
  api: webUrl.default("https://api.cloudflare.com/client/v4"),
});

/** Options of `purgeCloudflare`. */
export type PurgeCloudflareOptions = z.input<typeof schema>;

/**
 * Forwards purges to Cloudflare: URLs as URLs, originals, folders and tags by the tags that endpoints send with
 * `tagHeader: "Cache-Tag"`. Only the process in which a purge began calls Cloudflare.
 */
export function purgeCloudflare(options: PurgeCloudflareOptions): Plugin {
  const { zone, token, baseUrls, retries, api } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, fetcher, logger }) {
      const stop = new AbortController();
      const send = createApi({ fetcher, api, zone, token, retries, signal: stop.signal });
      const files = createBatch((urls) => send({ files: urls }), MAX_CALL_ITEMS, BATCH_DELAY_MS);
      const tags = createBatch((names) => send({ tags: names }), MAX_CALL_ITEMS, BATCH_DELAY_MS);
      let accounts: readonly string[] = [""];

      hooks.start.tap(NAME, ({ endpoints }: RuntimeInfo) => {
        accounts = [...new Set(endpoints.map(({ tenant }) => tenant))];
        const untagged = endpoints
          .filter(({ tagHeader }) => tagHeader !== "Cache-Tag")
          .map(({ name }) => name);
        if (untagged.length === 0) return;
        logger.warn(
          { endpoints: untagged },
          'purges by source, prefix and tag reach Cloudflare only with tagHeader: "Cache-Tag"',
        );
      });

      hooks.purge.tapPromise(NAME, async (rule) => {
        if (rule.remote) return;
        if (rule.kind === "url") return await files(addressesOf(rule.value, baseUrls));
        if (rule.kind === "all" && rule.tenant === undefined) return await send({ purge_everything: true });
        await tags(tagsOf(rule, rule.tenant === undefined ? accounts : [rule.tenant]));
      });

      hooks.stop.tap(NAME, () => stop.abort());
    },
  };
}

function addressesOf(url: string, baseUrls: readonly string[]): string[] {
  if (!url.startsWith("/")) return [url];
  return baseUrls.map((base) => `${base.replace(/\/+$/, "")}${url}`);
}

/** The tags of a purge rule. A CDN knows neither keys nor copies of originals. */
function tagsOf({ kind, value }: ActiveRule, accounts: readonly string[]): string[] {
  switch (kind) {
    case "tag":
      return [value];
    case "source":
      return accounts.map((account) => sourceTagOf(account, value));
    case "prefix":
      // Part of a name has no tag: the folder around it is purged.
      return accounts.map((account) => folderTagOf(account, foldersOf(value).at(-1) ?? ""));
    case "all":
      return accounts.map((account) => folderTagOf(account, ""));
    default:
      return [];
  }
}

export default purgeCloudflare;
