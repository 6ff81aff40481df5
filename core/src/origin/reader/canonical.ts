import { z } from "zod";
import type { FileMetadata } from "../../model/source.ts";
import { httpUrl } from "./fields.ts";

/** Fields that origins of every type have: the address by which search engines should know a file. */
export const canonicalFields = {
  /** Name the canonical address of each file. @default false */
  includeCanonicalHeader: z.boolean().default(false),
  /** Base of these addresses; without it there are none. */
  baseUrlForCanonicalHeader: httpUrl.optional(),
};

interface CanonicalFields {
  readonly includeCanonicalHeader: boolean;
  readonly baseUrlForCanonicalHeader?: string | undefined;
}

/** The canonical address of a path, as metadata of the file. */
export function canonicalOf(fields: CanonicalFields, path: string): Pick<FileMetadata, "canonical"> {
  const { includeCanonicalHeader, baseUrlForCanonicalHeader: base } = fields;
  if (!includeCanonicalHeader || base === undefined) return {};
  return { canonical: `${base}/${path.split("/").map(encodeURIComponent).join("/")}` };
}
