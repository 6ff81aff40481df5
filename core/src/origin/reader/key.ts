import { z } from "zod";

/**
 * What object keys begin with, as origins configure it: `photos` or `photos/` for all below, empty or `/` for the whole
 * place. It is taken literally, so one that a server could read in two ways is refused.
 */
export const objectPrefix = z
  .string()
  .refine((prefix) => /^\/?$/.test(prefix) || isPlain(prefix.replace(/\/$/, "")), {
    error: "Expected a prefix without leading slash and without empty, . and .. segments",
  })
  .transform((prefix) => (/(^|\/)$/.test(prefix) ? prefix.replace(/^\/$/, "") : `${prefix}/`))
  .default("");

/** The key of a path; `undefined` if the path is ambiguous for servers, or the key is longer than `longest` bytes. */
export function keyOf(prefix: string, path: string, longest = 1024): string | undefined {
  const key = prefix + path;
  return isPlain(path) && Buffer.byteLength(key) <= longest ? key : undefined;
}

/** Whether a name in a listing can be a segment of a path that `open` takes. */
export function isEntryName(name: string): boolean {
  return isPlain(name) && !/[/\p{Cc}]/u.test(name);
}

function isPlain(path: string): boolean {
  return path.isWellFormed() && !path.split("/").some((segment) => ["", ".", ".."].includes(segment));
}
