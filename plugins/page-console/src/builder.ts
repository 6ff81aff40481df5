import { MediaError, type PluginApi } from "@mediatap/core";
import type { UrlBuilder } from "@mediatap/core/language";
import { z } from "zod";

/** URLs in one call: those of a `srcset`, and some templates. */
const MAX_URLS = 20;

const text = z.string().max(2_000);
export const buildSchema = z.strictObject({
  language: text,
  /** URL of the endpoint, for code. */
  endpoint: text,
  path: text,
  /** Values by parameter, of each URL. */
  variants: z
    .array(z.array(z.tuple([text, text])).max(100))
    .min(1)
    .max(MAX_URLS),
});

interface Language extends Pick<UrlBuilder, "parameters" | "width"> {
  readonly name: string;
}

/** The calls of the page URL builder. */
export function createBuilder({ state }: Pick<PluginApi, "state">) {
  const builders = () =>
    state().plugins.flatMap(({ name, urlBuilder }) => (urlBuilder ? [[name, urlBuilder] as const] : []));
  return {
    /** The languages that can write URLs, and their parameters. */
    languages: (): Language[] =>
      builders().map(([name, { parameters, width }]) => ({ name, parameters, ...(width && { width }) })),
    /** Paths of URLs below their endpoint, and code for the first of them. */
    build({ language, endpoint, path, variants }: z.output<typeof buildSchema>) {
      const builder = new Map(builders()).get(language);
      if (!builder) throw new MediaError("ENOENT", `There is no language ${language} that writes URLs`);
      return {
        paths: variants.map((values) => builder.build(path, values)),
        code: builder.code?.(endpoint, path, variants[0] ?? []) ?? [],
      };
    },
  };
}
