import type { RenditionRecord } from "./rendition.ts";

/** Entries to forget. */
export interface Ban {
  readonly sequence: number;
  /**
   * What `value` is: the key of a rendition · path or URL of an original, for all that was made of it · what such a path
   * begins with · a tag · nothing: everything.
   */
  readonly kind: "key" | "source" | "prefix" | "tag" | "all";
  readonly value: string;
}

/** Whether a rendition is one of those that a ban speaks of. */
export function isBanned(
  { key, sources, tags = [] }: Pick<RenditionRecord, "key" | "sources" | "tags">,
  { kind, value }: Ban,
): boolean {
  switch (kind) {
    case "all":
      return true;
    case "key":
      return key === value;
    case "tag":
      return tags.includes(value);
    case "source":
      return sources.some(({ path }) => path === value);
    case "prefix":
      return sources.some(({ path }) => path.startsWith(value));
  }
}
