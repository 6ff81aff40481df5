import { type Plugin, parseOptions } from "@mediatap/core";
import { languagePlugin } from "@mediatap/core/language";
import { z } from "zod";
import { createThumbor } from "./language.ts";

export { PARAMETERS } from "./parameters.ts";

/** Characters of a signature below which guessing is feasible. */
const MIN_SIGNATURE = 16;

const schema = z.strictObject({
  algorithm: z.enum(["sha1", "sha256", "sha512"]).default("sha1"),
  truncate: z.int().min(MIN_SIGNATURE).max(88).exactOptional(),
  autoFormat: z.boolean().default(false),
});

export interface UrlThumborOptions {
  /**
   * Hash of the signatures. thumbor has `sha1`, imagor all three (`IMAGOR_SIGNER_TYPE`).
   * @default "sha1"
   */
  readonly algorithm?: "sha1" | "sha256" | "sha512";
  /** Characters that are left of a signature, from 16 on (`IMAGOR_SIGNER_TRUNCATE`). Left out: all. */
  readonly truncate?: number;
  /**
   * Whether the format of a URL without `format` is negotiated by `Accept`, as with thumbor's `AUTO_WEBP`. Else it is that of the source.
   * @default false
   */
  readonly autoFormat?: boolean;
}

/** The URL language of thumbor and imagor: `/unsafe/300x200/smart/photo.jpg`, as https://thumbor.readthedocs.io/en/latest/usage.html describes it. */
export function urlThumbor(options: UrlThumborOptions = {}): Plugin {
  return languagePlugin(createThumbor(parseOptions(schema, options, "url-thumbor")));
}

export default urlThumbor;
