import { type Plugin, parseOptions, type RuntimeInfo } from "@mediatap/core";
import { type ActiveRule, foldersOf, folderTagOf, sourceTagOf } from "@mediatap/core/cache";
import { z } from "zod";
import { createApi } from "./api.ts";
import { createBatch } from "./batch.ts";

const NAME = "purge-cloudflare";

/** Items of one call: what every plan of Cloudflare takes. */
const MOST = 30;

/** Milliseconds for which purges are collected. */
const DELAY = 50;

const webUrl = z.url({ protocol: /^https?$/, error: "Expected a URL that begins with http:// or https://" });

const schema = z.strictObject({
  /** Id of the zone: 32 hexadecimal digits, on its overview page. */
  zone: z.string().regex(/^[0-9a-f]{32}$/i, "Expected the zone's id of 32 hexadecimal digits"),
  /** API token with the permission "Cache Purge" for the zone. */
  token: z.string().min(1),
  /** Where clients reach this server, for purges that name a path alone: `https://img.example.com`. */
  baseUrls: z.array(webUrl).default([]),
  /** How often a call that failed is tried again. */
  retries: z.int().min(0).max(10).default(3),
  api: webUrl.default("https://api.cloudflare.com/client/v4"),
});

/** Options of `purgeCloudflare`. */
export type PurgeCloudflareOptions = z.input<typeof schema>;

/**
 * Hands purges on to Cloudflare: URLs as URLs, originals, folders and tags by the tags that endpoints tell it with
 * `tagHeader: "Cache-Tag"`. The process in which a purge began tells Cloudflare; the others do not.
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
      const files = createBatch((urls) => send({ files: urls }), MOST, DELAY);
      const tags = createBatch((names) => send({ tags: names }), MOST, DELAY);
      let accounts: readonly string[] = [""];

      hooks.start.tap(NAME, ({ endpoints }: RuntimeInfo) => {
        accounts = [...new Set(endpoints.map(({ tenant }) => tenant))];
        const silent = endpoints.filter(({ tagHeader }) => tagHeader !== "Cache-Tag").map(({ name }) => name);
        if (silent.length === 0) return;
        logger.warn(
          { endpoints: silent },
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

/** The tags of what a purge rule speaks of. Keys and copies of originals are nothing that a CDN knows. */
function tagsOf({ kind, value }: ActiveRule, accounts: readonly string[]): string[] {
  switch (kind) {
    case "tag":
      return [value];
    case "source":
      return accounts.map((account) => sourceTagOf(account, value));
    case "prefix":
      // Half a name has no tag: the folder around it goes.
      return accounts.map((account) => folderTagOf(account, foldersOf(value).at(-1) ?? ""));
    case "all":
      return accounts.map((account) => folderTagOf(account, ""));
    default:
      return [];
  }
}

export default purgeCloudflare;
