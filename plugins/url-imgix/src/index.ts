import { type Plugin, parseOptions } from "@mediatap/core";
import { languagePlugin } from "@mediatap/core/language";
import { z } from "zod";
import { createImgix, VARIANTS, type Variant } from "./language.ts";

export { PARAMETERS } from "./parameters.ts";

const schema = z.strictObject({
  variant: z.enum(Object.keys(VARIANTS) as [Variant, ...Variant[]]).default("imgix"),
});

export interface UrlImgixOptions {
  /**
   * Service whose URLs are understood; all of them serve images by imgix, or by its parameters.
   * @default "imgix"
   */
  readonly variant?: Variant;
}

/** Imgix's URL language: `/photo.jpg?w=300&auto=format`, as https://docs.imgix.com/apis/rendering describes its parameters. */
export function urlImgix(options: UrlImgixOptions = {}): Plugin {
  return languagePlugin(createImgix(parseOptions(schema, options, "url-imgix")));
}

export default urlImgix;
