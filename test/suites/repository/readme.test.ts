import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { startServer, type TestServer } from "@mediatap/test";
import { createHooks } from "../../../core/src/hooks.ts";

const root = join(import.meta.dirname, "../../..");

describe("the README", () => {
  let readme: string;
  let folder: string;
  let server: TestServer;

  before(async () => {
    readme = await readFile(join(root, "README.md"), "utf8");
    // Inside the repository, so that package names are found.
    await mkdir(join(root, ".cache"), { recursive: true });
    folder = await mkdtemp(join(root, ".cache/readme-"));
    await symlink(join(root, "examples/start/media"), join(folder, "photos"));
    const config = (await evaluate(snippet("mediatap.config.ts"))) as { default: MediatapConfig };
    server = await startServer(config.default, { base: folder });
  });
  after(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The TypeScript block that follows the first mention of `text`. */
  function snippet(text: string): string {
    const block = /```ts\n(.*?)```/s.exec(readme.slice(readme.indexOf(text)));
    assert(block?.[1], `a snippet after ${text}`);
    return block[1];
  }

  async function evaluate(code: string): Promise<unknown> {
    const file = join(folder, `${Math.random().toString(36).slice(2)}.ts`);
    await writeFile(file, code);
    return await import(pathToFileURL(file).href);
  }

  it("begins with the picture and the two commands", () => {
    assert.match(readme, /^!\[.*\]\(examples\/start\/screenshot\.webp\)/);
    assert.match(readme, /npm ci && npm start/);
    assert.match(readme, /npm ci && npm test/);
  });

  it("shows URLs that this server answers, with a configuration that loads", async () => {
    const urls = [...readme.matchAll(/`(\/[^`]*dogs\.jpg[^`]*)`/g)].map((match) => match[1] as string);
    assert.ok(urls.length >= 10);
    for (const url of urls) {
      const { status, headers } = await server.ask(url, { headers: { accept: "image/webp" } });
      assert.equal(status, 200, url);
      const type = url.includes(".json") ? /^application\/json$/ : /^image\//;
      assert.match(headers["content-type"] ?? "", type, url);
    }
  });

  it("shows the message that a wrong URL gets", async () => {
    const { status, text } = await server.ask("/tr:w-abc/dogs.jpg");
    assert.equal(status, 400);
    assert.ok(readme.includes(text.trim()));
  });

  it("shows a plugin that works", async () => {
    const module = (await evaluate(snippet("A plugin is a plain object"))) as Record<string, () => Plugin>;
    const plugin = module.headerPoweredBy?.();
    assert(plugin);
    const other = await startServer(
      {
        plugins: [plugin, ...server.server.runtime.config.plugins],
        origins: { photos: { type: "FOLDER", path: "photos" } },
        endpoints: { default: { origins: ["photos"] } },
      },
      { base: folder },
    );
    try {
      const { headers } = await other.ask("/tr:w-10/dogs.jpg");
      assert.equal(headers["x-powered-by"], "a plugin");
    } finally {
      await other.close();
    }
  });

  it("shows every hook in the picture of the architecture", () => {
    const [, picture = ""] = /## Architecture\n+```\n(.*?)```/s.exec(readme) ?? [];
    const shown = new Set(picture.match(/\w+/g));
    assert.deepEqual(
      Object.keys(createHooks()).filter((hook) => !shown.has(hook)),
      [],
    );
  });

  it("lists the hooks that each plugin taps", () => {
    const rows = [...readme.matchAll(/^\| \[`[^`]+`\]\(plugins\/([^)]+)\) +\| ([^|]*?) +\|/gm)];
    const listed = rows.map(([, plugin = "", hooks = ""]) => [
      plugin,
      hooks === "–" ? [] : hooks.split(", ").sort(),
    ]);
    const plugins = globSync("plugins/*/package.json", { cwd: root }).map((file) => file.split("/")[1] ?? "");
    const tapped = plugins.map((plugin) => [plugin, tapsOf(plugin)]);
    assert.deepEqual(Object.fromEntries(listed), Object.fromEntries(tapped));
  });

  it("links only to what exists", async () => {
    for (const [, target = ""] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      await assert.doesNotReject(
        readFile(join(root, target)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "EISDIR") throw error;
        }),
        target,
      );
    }
  });
});

describe("CONTRIBUTING.md", () => {
  it("names only files and folders that exist", async () => {
    const page = await readFile(join(root, "CONTRIBUTING.md"), "utf8");
    const paths = [...page.matchAll(/`((?:core|plugins|presets|examples|test|bench)\/[^`]+)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => !/NAME/.test(path));
    assert.ok(paths.length > 20);
    for (const path of paths) assert.ok(globSync(path, { cwd: root }).length > 0, path);
  });
});

/** Hooks that every plugin may tap to manage itself; the table of the README leaves them out. */
const LIFECYCLE: readonly string[] = ["start", "stop", "diagnose"];

/** Names of the hooks that the sources of a plugin tap, and `cache` if it registers a cache. */
function tapsOf(plugin: string): string[] {
  const sources = globSync(`plugins/${plugin}/src/**/*.ts`, { cwd: root })
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
  const hooks = [...sources.matchAll(/\bhooks\s*\.\s*(\w+)/g)].map(([, hook = ""]) => hook);
  const caches = /\bcache\(\{/.test(sources) ? ["cache"] : [];
  // What the core taps for a language that is made of a table.
  const ofLanguage = /\blanguagePlugin\(/.test(sources) ? ["resolve", "admit", "link"] : [];
  const signing = ofLanguage.length > 0 && /^\s+signature\b/m.test(sources) ? ["sign"] : [];
  return [...new Set([...hooks, ...caches, ...ofLanguage, ...signing])]
    .filter((hook) => !LIFECYCLE.includes(hook))
    .sort();
}
