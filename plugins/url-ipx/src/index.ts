import { type Plugin, parseOptions } from "@mediatap/core";
import { languagePlugin } from "@mediatap/core/language";
import { z } from "zod";
import { createIpx } from "./language.ts";

export { PARAMETERS } from "./parameters.ts";

const schema = z.strictObject({
  base: z
    .string()
    .regex(
      /^(?:[\w.~-]+(?:\/[\w.~-]+)*)?$/,
      "Expected path segments such as _ipx, without slashes around them",
    )
    .default("_ipx"),
});

export interface UrlIpxOptions {
  /**
   * Path before the modifiers, below the endpoint's own: `_ipx` as in Nuxt; `""` if all URLs of the endpoint are IPX's.
   * @default "_ipx"
   */
  readonly base?: string;
}

/** IPX's URL language: `/_ipx/w_300,f_webp/photo.jpg`, as https://github.com/unjs/ipx describes its modifiers. */
export function urlIpx(options: UrlIpxOptions = {}): Plugin {
  return languagePlugin(createIpx(parseOptions(schema, options, "url-ipx")));
}

export default urlIpx;
