import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { type Plugin, parseOptions, type RouteHandler } from "@mediatap/core";
import { z } from "zod";

const NAME = "page-start";
const VERSION = "0.1.0";
const PUBLIC = new URL("../public/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

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
});

/** Everything from this server, nothing inline; `blob:` is the picture that the page has just measured. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The start page of a server, at `/`: a URL to edit, original and result side by side, and what the transformation
 * cost. Its files are read once, in the factory, and served below `/-/start/`.
 */
export function pageStart(options: PageStartOptions = {}): Plugin {
  const { samples } = parseOptions(schema, options, NAME);
  // `<` is all that could end the script element in which the samples stand.
  const json = JSON.stringify(samples).replaceAll("<", "\\u003c");
  const files = readdirSync(PUBLIC).map((name) => ({
    name,
    text: readFileSync(new URL(name, PUBLIC), "utf8"),
  }));
  return {
    name: NAME,
    version: VERSION,
    apply({ route }) {
      for (const { name, text } of files) {
        const type = TYPES[extname(name)] ?? "text/plain; charset=utf-8";
        if (name === "index.html")
          route(
            "GET",
            "/",
            file(
              text.replace('"SAMPLES"', () => json),
              type,
            ),
          );
        else route("GET", `/-/start/${name}`, file(text, type));
      }
    },
  };
}

export default pageStart;

/** Kept by browsers, but asked for each time: the page changes with its server. */
function file(body: string, type: string): RouteHandler {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const headers = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    etag,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return (request) =>
    request.header("if-none-match")?.includes(etag)
      ? { status: 304, headers }
      : { headers: { ...headers, "content-type": type }, body };
}
