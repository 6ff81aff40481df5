import type { Asset } from "./asset.ts";
import type { RenditionRecord } from "./rendition.ts";

/** Entries to forget. */
export interface PurgeRule {
  /**
   * What `value` is: the key of a rendition · path or URL of an original, for all that was made of it · the same, for
   * copies of the original alone · what such a path begins with · a tag · nothing: everything · the URL of an answer,
   * for caches whose keys are URLs: CDNs. A purge of a URL is several rules: the URL, its keys, its original.
   */
  readonly kind: "key" | "source" | "original" | "prefix" | "tag" | "all" | "url";
  readonly value: string;
  /** The account whose entries are meant, `""`: the server's own. Left out: those of all. */
  readonly tenant?: string;
}

/** A purge rule as this process has it. */
export interface ActiveRule extends PurgeRule {
  /** The same in all processes; sorts by time. */
  readonly id: string;
  /** Counts the rules of this process. */
  readonly sequence: number;
  /** Another process began it, and has forwarded it to whatever is outside the server. */
  readonly remote?: boolean;
}

/** What a purge rule is compared with. */
export type Purgeable = Pick<RenditionRecord, "key" | "sources" | "tags" | "asset">;

/** The account of an origin, by the origin's name: `tenant/name`, or `name` alone for the server's own. */
export function tenantOf(origin: string): string {
  const slash = origin.indexOf("/");
  return slash < 0 ? "" : origin.slice(0, slash);
}

/** Whether a rendition, or a cached failure, matches a purge rule. */
export function matchesRule(
  { key, asset, sources, tags = [] }: Purgeable,
  { kind, value, tenant }: PurgeRule,
): boolean {
  if (kind === "key") return key === value;
  if (tenant !== undefined && accountOf(asset, sources) !== tenant) return false;
  switch (kind) {
    case "all":
      return true;
    case "tag":
      return tags.includes(value);
    case "original":
      // Only the entry of an original has no asset.
      return asset === undefined && sources[0]?.path === value;
    case "source":
      return asset?.path === value || sources.some(({ path }) => path === value);
    case "prefix":
      return asset?.path.startsWith(value) === true || sources.some(({ path }) => path.startsWith(value));
    default:
      return false;
  }
}

function accountOf(asset: Asset | undefined, [main]: RenditionRecord["sources"]): string {
  return asset?.tenant ?? (main ? tenantOf(main.origin) : "");
}

/** Whether the original under a path matches a purge rule. Keys, tags and URLs are those of renditions: no original has any. */
export function matchesOriginal(
  { tenant, path }: { readonly tenant: string; readonly path: string },
  { kind, value, tenant: account }: PurgeRule,
): boolean {
  if (account !== undefined && account !== tenant) return false;
  if (kind === "all") return true;
  return kind === "prefix"
    ? path.startsWith(value)
    : (kind === "source" || kind === "original") && path === value;
}
