import { type Plugin, parseOptions } from "@mediatap/core";
import { languagePlugin } from "@mediatap/core/language";
import { createNext } from "./language.ts";
import { schema, type UrlNextOptions } from "./options.ts";

export type { LocalPattern, RemotePattern, UrlNextOptions } from "./options.ts";
export { parametersOf } from "./parameters.ts";

/**
 * The URLs of `next/image`: `/_next/image?url=%2Fphoto.jpg&w=640&q=75`, with the allow lists of `images` in `next.config.js`, as
 * https://nextjs.org/docs/app/api-reference/components/image describes them; and those of Vercel, `/_vercel/image`.
 */
export function urlNext(options: UrlNextOptions = {}): Plugin {
  return languagePlugin(createNext(parseOptions(schema, options, "url-next")));
}

export default urlNext;
