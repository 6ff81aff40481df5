import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type MediatapConfig, STATUS } from "@mediatap/core";
import { loadConfig } from "@mediatap/core/server";
import { startServer } from "@mediatap/test";
import { presetDevelopment, presetMediatap } from "mediatap";

const root = join(import.meta.dirname, "../../..");
const dist = join(root, "core/docs/.cache/site/.vitepress/dist");
const page = (route: string) => readFileSync(join(dist, `${route}.html`), "utf8");

describe("the documentation site", function () {
  this.timeout(600_000);

  before(() => {
    const { status, stdout, stderr } = spawnSync("npm", ["run", "docs", "--", "build"], {
      cwd: root,
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
    assert.doesNotMatch(stdout + stderr, /warn|not loaded|dead link/i);
  });

  it("has every README, page of the core and guide", () => {
    const folders = globSync("{plugins,presets,examples}/*/README.md", { cwd: root });
    for (const file of folders.filter((file) => file !== "presets/mediatap/README.md")) {
      assert.match(page(file.replace(/\/README\.md$/, "")), /<h1/, file);
    }
    for (const file of globSync("core/*.md", { cwd: root })) {
      const [, heading = ""] = /^# (.+)$/m.exec(readFileSync(join(root, file), "utf8")) ?? [];
      const pages = globSync("{reference,guides}/*.html", { cwd: dist });
      const found = pages.some((name) => readFileSync(join(dist, name), "utf8").includes(`>${heading} <a`));
      assert.ok(found, `${file}: ${heading}`);
    }
  });

  it("shows pictures that the server has made", () => {
    const html = page("reference/url-parameters");
    const pictures = [...html.matchAll(/<img src="\/(parameters\/[^"]+)"/g)].map(([, file = ""]) => file);
    assert.ok(pictures.length > 100, `${pictures.length} pictures`);
    for (const file of pictures) assert.ok(readFileSync(join(dist, file)).length > 50, file);
  });

  it("has an overview for language models that names every page", () => {
    const overview = readFileSync(join(dist, "llms.txt"), "utf8");
    const routes = [...overview.matchAll(/\]\(\/([^)]+)\.html\)/g)].map(([, route = ""]) => route);
    assert.ok(routes.length > 50);
    for (const route of routes) assert.match(page(route), /<h1/, route);
  });

  it("has a heading for each error code, to which errors link in development", async () => {
    const html = page("reference/errors");
    for (const code of Object.keys(STATUS)) assert.match(html, new RegExp(`<h3 id="${code.toLowerCase()}"`));
    const server = await startServer({
      presets: [presetMediatap(), presetDevelopment()],
      origins: { photos: { type: "FOLDER", path: join(root, "examples/start/media") } },
      endpoints: { default: { origins: ["photos"] } },
    });
    try {
      const { status, headers } = await server.ask("/missing.jpg?tr=w-10");
      assert.equal(status, 404);
      assert.match(headers.link ?? "", /^<https:\/\/[^>]+\/reference\/errors\.html#enoent>; rel="help"$/);
    } finally {
      await server.close();
    }
  });

  it("has configurations in its guides that load", async () => {
    await mkdir(join(root, ".cache"), { recursive: true });
    const folder = await mkdtemp(join(root, ".cache/docs-"));
    try {
      for (const file of globSync("core/docs/guides/*.md", { cwd: root })) {
        const snippets = readFileSync(join(root, file), "utf8").matchAll(
          /```ts\n(\/\/ mediatap\.config.*?)```/gs,
        );
        for (const [at, [, code = ""]] of [...snippets].entries()) {
          const config = join(folder, `${file.replace(/\W/g, "-")}-${at}.ts`);
          await writeFile(config, code);
          const { default: value } = (await import(pathToFileURL(config).href)) as {
            default: MediatapConfig;
          };
          await loadConfig(value, { source: `${file} ${at}`, base: folder });
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
