import { type Plugin, parseOptions } from "@mediatap/core";
import { languagePlugin } from "@mediatap/core/language";
import { z } from "zod";
import { createCloudflare } from "./language.ts";

export { PARAMETERS } from "./parameters.ts";

const schema = z.strictObject({
  base: z
    .string()
    .regex(
      /^(?:[\w.~-]+(?:\/[\w.~-]+)*)?$/,
      "Expected path segments such as cdn-cgi/image, without slashes around them",
    )
    .default("cdn-cgi/image"),
});

export interface UrlCloudflareOptions {
  /**
   * Path before the options, below the endpoint's own: another one if rewrite rules hide `cdn-cgi/image`.
   * @default "cdn-cgi/image"
   */
  readonly base?: string;
}

/**
 * Cloudflare's URL language: `/cdn-cgi/image/width=300,format=auto/photo.jpg`, as
 * https://developers.cloudflare.com/images/optimization/features/ describes its options.
 */
export function urlCloudflare(options: UrlCloudflareOptions = {}): Plugin {
  return languagePlugin(createCloudflare(parseOptions(schema, options, "url-cloudflare")));
}

export default urlCloudflare;
