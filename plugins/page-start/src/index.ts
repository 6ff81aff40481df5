import { readdirSync, readFileSync } from "node:fs";
import {
  type PageSources,
  type Plugin,
  pageFile,
  parseOptions,
  type RouteHandler,
  type RuntimeInfo,
} from "@mediatap/core";
import { z } from "zod";
import { createFolderRoute } from "./folder.ts";

const NAME = "page-start";
const VERSION = "0.1.0";
const PUBLIC = new URL("../public/", import.meta.url);

/** Pictures that the page has just measured, and parts of streams. */
const SOURCES: PageSources = { "img-src": ["blob:"], "media-src": ["blob:"] };

export interface StartSample {
  /** Path of the original, as in a URL without transformation: `holidays/fig.jpg`. */
  readonly path: string;
  /** One line below the picture; also its alternative text. */
  readonly title: string;
  /** Author and licence. */
  readonly credit?: string | undefined;
  /**
   * What the card shows, and the editor begins with, in the words of the ImageKit language; of a video (by its extension), the
   * qualities of its stream. @default "w-480,h-320,fo-auto", "sr-240_360_720"
   */
  readonly transformation?: string | undefined;
}

export interface PageStartOptions {
  /** Pictures and videos to show; the first picture is in the editor at the start. None: only the editor. @default [] */
  readonly samples?: readonly StartSample[] | undefined;
  /**
   * List the files of the endpoints' origins, as far as they are served without a signature, to browsers on this machine and in
   * its network. For development. @default false
   */
  readonly files?: boolean | undefined;
}

const schema = z.strictObject({
  samples: z
    .array(
      z.strictObject({
        path: z.string().min(1),
        title: z.string().min(1),
        credit: z.string().optional(),
        transformation: z.string().min(1).default("w-480,h-320,fo-auto"),
      }),
    )
    .readonly()
    .default([]),
  files: z.boolean().default(false),
});

/**
 * The start page of a server, at `/`: a URL to edit, original and result side by side, and what the transformation
 * cost. Its files are read once, in the factory, and served below `/-/start/`.
 */
export function pageStart(options: PageStartOptions = {}): Plugin {
  const { samples, files: listsFiles } = parseOptions(schema, options, NAME);
  const files = readdirSync(PUBLIC).map((name) => ({
    name,
    text: readFileSync(new URL(name, PUBLIC), "utf8"),
  }));
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply(api) {
      let current: RuntimeInfo | undefined;
      api.hooks.start.tap(NAME, (runtime) => {
        current = runtime;
      });
      for (const { name, text } of files) {
        if (name !== "index.html") api.route("GET", `/-/start/${name}`, pageFile(name, text, SOURCES));
        else api.route("GET", "/", page(text));
      }
      if (listsFiles)
        api.route(
          "GET",
          "/-/start/folder",
          createFolderRoute(api, () => current),
        );

      /** The page, with what it shows; which plugins there are is known with the first request. */
      function page(text: string): RouteHandler {
        let handler: RouteHandler | undefined;
        return (request) => {
          const hasConsole = api.state().plugins.some(({ name }) => name === "page-console");
          // `<` is all that could end the script element that contains them.
          const json = JSON.stringify({ samples, listsFiles, hasConsole }).replaceAll("<", "\\u003c");
          handler ??= pageFile(
            "index.html",
            text.replace('"SETTINGS"', () => json),
            SOURCES,
          );
          return handler(request);
        };
      }
    },
  };
}

export default pageStart;
