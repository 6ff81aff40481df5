import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type PageSources, pageFile, type RouteHandler } from "@mediatap/core";

const PUBLIC = new URL("../public/", import.meta.url);

/** Modules of other packages, by the names under which they import each other; browsers find them by an import map. */
const MODULES = ["preact", "preact/hooks", "@preact/signals", "@preact/signals-core", "htm"];

/** Files of other packages that are no modules. */
const FILES = ["uplot/dist/uPlot.iife.min.js", "uplot/dist/uPlot.min.css"];

const LIBRARY = "/-/console/lib/";

interface Assets {
  /** By their paths. */
  readonly files: ReadonlyMap<string, RouteHandler>;
  /** The document, which is the same for all pages. */
  readonly document: RouteHandler;
}

/** All files of the console, read once: its own, and those of the packages that it depends on, as they are. */
export function readAssets(): Assets {
  const { resolve } = createRequire(import.meta.url);
  const read = (path: string | URL) => readFileSync(path, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
  const nameOf = (specifier: string) => specifier.replace("@", "").replaceAll("/", "-");
  const imports = Object.fromEntries(MODULES.map((name) => [name, `${LIBRARY}${nameOf(name)}.js`]));
  const map = JSON.stringify({ imports });
  const sources: PageSources = {
    "script-src": [`'sha256-${createHash("sha256").update(map).digest("base64")}'`],
    "img-src": ["blob:", "data:"],
    "media-src": ["blob:"],
  };
  const files = new Map<string, RouteHandler>();
  for (const name of MODULES) {
    files.set(
      String(imports[name]),
      pageFile("module.js", read(new URL(import.meta.resolve(name))), sources),
    );
  }
  for (const path of FILES) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    files.set(`${LIBRARY}${name}`, pageFile(name, read(resolve(path)), sources));
  }
  const own = readdirSync(PUBLIC).filter((name) => name.includes("."));
  for (const name of own.filter((name) => name !== "index.html")) {
    files.set(`/-/console/${name}`, pageFile(name, read(new URL(name, PUBLIC)), sources));
  }
  // Fetched at once, not one after the other as each is parsed.
  const modules = [...files.keys()].filter((path) => path.endsWith(".js") && !path.includes("iife"));
  const preloads = modules.map((path) => `<link rel="modulepreload" href="${path}" />`).join("\n    ");
  const text = read(new URL("index.html", PUBLIC)).replace(
    "<!-- modules -->",
    () => `<script type="importmap">${map}</script>\n    ${preloads}`,
  );
  return { files, document: pageFile("index.html", text, sources) };
}
