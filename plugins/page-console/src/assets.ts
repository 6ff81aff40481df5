import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type PageSources, pageFile, type RouteHandler } from "@mediatap/core";

const PUBLIC = new URL("../public/", import.meta.url);

/** Modules of other packages, by the names under which they import each other; browsers find them by an import map. */
const MODULES = ["preact", "preact/hooks", "@preact/signals", "@preact/signals-core", "htm"];

/** Modules of every page. */
const COMMON = ["app.js", "api.js", "pages.js", "router.js", "ui.js"];

/** Files of other packages that are no modules. */
const FILES = ["uplot/dist/uPlot.iife.min.js", "uplot/dist/uPlot.min.css"];

/** Of a script: browsers would ask for a file that is not served. */
const SOURCE_MAP = /^\/\/# sourceMappingURL=.*$/m;

/** Path of the console, and of its files below. */
export const ROOT = "/-/console";

const LIBRARY = `${ROOT}/lib/`;

interface Assets {
  /** By their paths. */
  readonly files: ReadonlyMap<string, RouteHandler>;
  /** The document, which is the same for all pages. */
  readonly document: RouteHandler;
}

/**
 * All files of the console: its own, and those of the packages that it depends on, as they are. Each is read with its first request,
 * so that a start costs nothing.
 */
export function createAssets(): Assets {
  const { resolve } = createRequire(import.meta.url);
  const nameOf = (specifier: string) => `${specifier.replace("@", "").replaceAll("/", "-")}.js`;
  const imports = Object.fromEntries(MODULES.map((name) => [name, LIBRARY + nameOf(name)]));
  const map = JSON.stringify({ imports });
  const sources: PageSources = {
    "script-src": [`'sha256-${createHash("sha256").update(map).digest("base64")}'`],
    "img-src": ["blob:", "data:"],
    "media-src": ["blob:"],
  };
  const file = (name: string, read: () => string): RouteHandler => {
    let handler: RouteHandler | undefined;
    return (request) => {
      handler ??= pageFile(name, read().replace(SOURCE_MAP, ""), sources);
      return handler(request);
    };
  };
  const own = readdirSync(PUBLIC).filter((name) => /\.(?:js|css|svg)$/.test(name));
  const files = new Map<string, RouteHandler>([
    ...MODULES.map((name) => {
      const read = () => readFileSync(new URL(import.meta.resolve(name)), "utf8");
      return [LIBRARY + nameOf(name), file(nameOf(name), read)] as const;
    }),
    ...FILES.map((path) => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      return [LIBRARY + name, file(name, () => readFileSync(resolve(path), "utf8"))] as const;
    }),
    ...own.map((name) => [`${ROOT}/${name}`, file(name, () => textOf(name))] as const),
  ]);
  // What each page needs is fetched at once, not one after the other as each is parsed.
  const modules = [
    ...MODULES.map((name) => LIBRARY + nameOf(name)),
    ...COMMON.map((name) => `${ROOT}/${name}`),
  ];
  const head = [
    `<script type="importmap">${map}</script>`,
    ...modules.map((path) => `<link rel="modulepreload" href="${path}" />`),
  ].join("\n    ");
  const document = file("index.html", () => textOf("index.html").replace("<!-- modules -->", () => head));
  return { files, document };
}

const textOf = (name: string) => readFileSync(new URL(name, PUBLIC), "utf8");
