import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join, posix } from "node:path";
import { isThere, type Page, ROOT, type Section } from "./pages.ts";

const REPOSITORY = "https://github.com/mediatap/mediatap";

/** Files that pages show or offer; everything else is a link to the repository. */
const ASSETS = new Set([".png", ".jpg", ".webp", ".svg"]);

/**
 * Writes the site's Markdown to a folder: that of the repository, its links turned into those of the site. Throws with all links
 * that lead nowhere.
 */
export function assemble(sections: readonly Section[], folder: string): void {
  const pages = sections.flatMap((section) => section.pages);
  const written = pages.filter(({ source }) => source.endsWith(".md"));
  const bySource = new Map(pages.map((page) => [page.source, page]));
  const anchors = new Map(written.map(({ source }) => [source, anchorsOf(read(source))]));
  const broken: string[] = [];

  for (const page of written) {
    const text = outsideCode(read(page.source), (prose) =>
      prose
        .replace(/<!--.*?-->\n*/gs, "")
        .replace(/<(?!https?:)|\{(?=\{)/g, (character) => `&#${character.charCodeAt(0)};`)
        .replace(/(\]\()([^)\s]+)(\))/g, (_, open, target, close) => `${open}${link(page, target)}${close}`),
    );
    put(`${page.route}.md`, text);
  }
  put("public/llms.txt", llms(sections));
  put("public/llms-full.txt", written.map(({ source }) => read(source)).join("\n\n"));
  if (broken.length > 0) throw new Error(`Links that lead nowhere:\n${broken.join("\n")}`);

  /** Where a link of a page leads on the site. */
  function link(page: Page, target: string): string {
    const own = target.replace(/^https:\/\/github\.com\/mediatap\/mediatap\/(?:blob|tree)\/main\/?/, "/");
    if (/^(?:[a-z]+:|\/\/)/i.test(own)) return target;
    const [path = "", anchor] = own.split("#");
    const at = path === "" ? page.source : repositoryPath(page, path);
    const found = bySource.get(at) ?? bySource.get(posix.join(at, "README.md"));
    if (found) {
      const fragment = anchor === undefined || anchor === "readme" ? "" : `#${anchor}`;
      if (fragment && !anchors.get(found.source)?.has(anchor as string))
        broken.push(`${page.source}: ${target}`);
      return `/${found.route}${fragment}`;
    }
    if (!isThere(at)) {
      broken.push(`${page.source}: ${target}`);
      return target;
    }
    if (ASSETS.has(extname(at))) {
      const copy = join(folder, "public", at);
      mkdirSync(dirname(copy), { recursive: true });
      cpSync(join(ROOT, at), copy);
      return `/${at}`;
    }
    const kind = statSync(join(ROOT, at)).isDirectory() ? "tree" : "blob";
    return `${REPOSITORY}/${kind}/main/${at}${anchor === undefined ? "" : `#${anchor}`}`;
  }

  function put(path: string, text: string): void {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function read(source: string): string {
  return readFileSync(join(ROOT, source), "utf8");
}

function repositoryPath(page: Page, path: string): string {
  const joined = path.startsWith("/") ? path.slice(1) : posix.join(dirname(page.source), path);
  return posix.normalize(joined).replace(/\/$/, "");
}

/** Applies a change to what is neither a code block nor code in a line. */
function outsideCode(text: string, change: (prose: string) => string): string {
  return text
    .split(/(^```.*?^```$|`[^`\n]+`)/gms)
    .map((part, at) => (at % 2 === 0 ? change(part) : part))
    .join("");
}

/** The addresses of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const found = new Set<string>();
  const headings = text.replace(/^```.*?^```$/gms, "").matchAll(/^#{1,6} (.+)$/gm);
  for (const [, heading = ""] of headings) {
    const name = slug(heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1"));
    let unique = name;
    for (let at = 1; found.has(unique); at++) unique = `${name}-${at}`;
    found.add(unique);
  }
  return found;
}

/** GitHub's address of a heading. */
export function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/** An overview for language models (https://llmstxt.org). */
function llms(sections: readonly Section[]): string {
  const [first] = sections[0]?.pages ?? [];
  const lists = sections.map(
    ({ title, pages }) =>
      `## ${title}\n\n${pages.map((page) => `- [${page.title}](/${page.route}.html): ${page.summary}`).join("\n")}`,
  );
  return `# Mediatap\n\n> ${first?.summary ?? ""}\n\n${lists.join("\n\n")}\n`;
}
