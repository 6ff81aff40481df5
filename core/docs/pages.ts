import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Root of the repository. */
export const ROOT = join(import.meta.dirname, "../..");

/** A page of the site. */
export interface Page {
  /** Markdown in the repository, from its root. */
  readonly source: string;
  /** Address below the root of the site, without extension. */
  readonly route: string;
  /** Its line in the navigation. */
  readonly title: string;
  /** Its first paragraph, as plain text. */
  readonly summary: string;
}

export interface Section {
  readonly title: string;
  readonly pages: readonly Page[];
}

const packages = (kind: RegExp): Page[] =>
  globSync("plugins/*/README.md", { cwd: ROOT })
    .map((source) => basename(dirname(source)))
    .filter((name) => kind.test(name))
    .sort()
    .map((name) => page(`plugins/${name}/README.md`, `plugins/${name}`, name));

const examples = (): Page[] =>
  globSync("examples/*/README.md", { cwd: ROOT })
    .map((source) => basename(dirname(source)))
    .sort()
    .map((name) => page(`examples/${name}/README.md`, `examples/${name}`));

/** Kinds of plugins, by the beginning of their names. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ["URL languages", /^url-/],
  ["Storages", /^storage-/],
  ["Images", /^(?:image|decode|focus|fonts|svg|avif)-|^info$/],
  ["Videos", /^video-/],
  ["Caches and clusters", /^(?:cache|share|queue|purge)-|^warm$/],
  ["Management", /^(?:manage|page|state)-|^(?:analytics|migrate|webhooks)$/],
  ["Reports", /^(?:log|metrics|timing|tracing)/],
];

/** All pages, in the order of the navigation. */
export function sectionsOf(): Section[] {
  const guides = globSync("core/docs/guides/*.md", { cwd: ROOT }).sort();
  return [
    {
      title: "Start",
      pages: [
        page("README.md", "introduction", "Introduction"),
        page("presets/mediatap/README.md", "server", "The server"),
        page("CONTRIBUTING.md", "contributing", "Contributing"),
      ],
    },
    {
      title: "Guides",
      pages: [
        ...guides.map((source) => page(source, `guides/${basename(source, ".md").replace(/^\d+-/, "")}`)),
        page("core/SCALING.md", "guides/scaling"),
      ],
    },
    {
      title: "Reference",
      pages: [
        page("core/CONFIGURATION.md", "reference/configuration"),
        {
          source: "examples/contact-sheet/sheet.ts",
          route: "reference/url-parameters",
          title: "URL parameters",
          summary: "Every parameter of images with a picture.",
        },
        page("core/CACHING.md", "reference/caching"),
        page("core/ORIGINS.md", "reference/origins"),
        page("core/ERRORS.md", "reference/errors"),
        page("core/STATE.md", "reference/state"),
        page("core/PLUGINS.md", "reference/plugins"),
        page("core/README.md", "reference/core", "The core as a library"),
        page("test/README.md", "reference/testing", "Contract suites"),
        page("bench/README.md", "reference/bench", "Benchmarks"),
      ],
    },
    ...KINDS.map(([title, kind]) => ({ title, pages: packages(kind) })),
    {
      title: "Presets, libraries, starters",
      pages: globSync("presets/*/README.md", { cwd: ROOT })
        .filter((source) => !source.startsWith("presets/mediatap/"))
        .sort()
        .map((source) => page(source, dirname(source), basename(dirname(source)))),
    },
    { title: "Examples", pages: examples() },
  ].filter(({ pages }) => pages.length > 0);
}

function page(source: string, route: string, title?: string): Page {
  const text = readFileSync(join(ROOT, source), "utf8");
  const heading = /^# (.+)$/m.exec(text)?.[1];
  if (heading === undefined) throw new Error(`${source}: Expected a heading of the first level`);
  return { source, route, title: title ?? plain(heading), summary: summaryOf(text) };
}

/** The first paragraph below the heading. */
function summaryOf(text: string): string {
  const below = text
    .slice(text.search(/^# .+$/m))
    .split(/\n\n+/)
    .slice(1);
  const paragraph = below.find((part) => /^[A-Z`[*]/.test(part)) ?? "";
  return plain(paragraph.replace(/\n/g, " "));
}

function plain(markdown: string): string {
  return markdown.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[*`]/g, "");
}

/** Whether the repository has a file or folder. */
export function isThere(path: string): boolean {
  return existsSync(join(ROOT, path));
}
