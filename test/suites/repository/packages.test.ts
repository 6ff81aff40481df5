import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { ask, startOrigin, testCommand } from "@mediatap/test";

const root = join(import.meta.dirname, "../../..");
const REPOSITORY = "https://github.com/mediatap/mediatap";

interface Manifest {
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly name: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly license: string;
  readonly homepage: string;
  readonly bugs: string;
  readonly repository: { readonly url: string; readonly directory: string };
  readonly publishConfig: { readonly access: string };
}

const folders = globSync(["core", "test", "plugins/*", "presets/*"], { cwd: root }).filter((folder) =>
  existsSync(join(root, folder, "package.json")),
);

/** Packages that npm runs for a new project: JavaScript as it is. */
const STARTERS = /^presets\/create-/;

function read(...path: string[]): string {
  return readFileSync(join(root, ...path), "utf8");
}

function linksOf(page: string): string[] {
  return [...page.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
}

describe("the packages", () => {
  it("say what they are, under which licence, and where they come from", () => {
    assert.ok(folders.length > 30);
    for (const folder of folders) {
      const manifest = JSON.parse(read(folder, "package.json")) as Manifest;
      const { name, description, keywords, license, homepage, bugs, repository, publishConfig } = manifest;
      assert.match(description, /Mediatap|media server/, name);
      assert.ok(keywords.includes("mediatap"), name);
      assert.equal(keywords.includes("mediatap-plugin"), folder.startsWith("plugins/"), name);
      assert.equal(license, "Apache-2.0", name);
      assert.equal(read(folder, "LICENSE"), read("LICENSE"), name);
      assert.equal(homepage, `${REPOSITORY}/tree/main/${folder}#readme`, name);
      assert.equal(bugs, `${REPOSITORY}/issues`, name);
      assert.deepEqual(repository, { type: "git", url: `git+${REPOSITORY}.git`, directory: folder }, name);
      assert.deepEqual(publishConfig, { access: "public" }, name);
    }
  });

  it("export the bundles of their sources", () => {
    for (const folder of folders.filter((folder) => folder !== "test" && !STARTERS.test(folder))) {
      const { name, exports } = JSON.parse(read(folder, "package.json")) as Manifest;
      for (const [path, entry] of Object.entries(exports)) {
        const module = basename(entry["mediatap:source"] ?? "", ".ts");
        assert.equal(entry.default, `./dist/bundle/${module}.js`, `${name} ${path}`);
      }
    }
  });

  it("have pages whose links lead somewhere, also outside the repository", () => {
    const pages = globSync(["core/*.md", "{plugins,presets}/*/*.md", "test/*.md"], { cwd: root });
    for (const page of pages) {
      for (const link of linksOf(read(page))) {
        const [, path] = new RegExp(`^${REPOSITORY}/(?:blob|tree)/main/(.+)$`).exec(link) ?? [];
        if (path !== undefined) assert.ok(existsSync(join(root, path)), `${page}: ${link}`);
        if (/^[a-z]+:/.test(link)) continue;
        const target = resolve(root, dirname(page), link);
        assert.ok(target.startsWith(join(root, dirname(page), "/")), `${page}: ${link} leaves the package`);
        assert.ok(existsSync(target), `${page}: ${link}`);
      }
    }
  });

  describe("packed, and installed into a new project", () => {
    let temporary: string;
    /** The project that `npm create mediatap` makes. */
    let home: string;
    before(async function () {
      this.timeout(600_000);
      temporary = await mkdtemp(join(tmpdir(), "mediatap-test-packages-"));
      home = join(temporary, "my media");
      const tarballs = join(temporary, "tarballs");
      await mkdir(tarballs);
      const { stdout } = run(root, process.execPath, "release.ts", "--unmarked", "--to", tarballs);
      assert.match(stdout, /^\d+ packages in .+$/m);
      const files = globSync("*.tgz", { cwd: tarballs }).map((file) => join(tarballs, file));
      assert.equal(files.length, folders.length);
      const starter = files.find((file) => /\/create-mediatap-\d/.test(file)) ?? "";
      run(temporary, "npm", "exec", "--yes", "--package", starter, "--", "create-mediatap", "my media");
      run(
        home,
        "npm",
        "install",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        ...files,
        "@types/node@24",
      );
      await cp(join(root, "examples/start/media/dogs.jpg"), join(home, "photos/dogs.jpg"));
    });
    after(() => rm(temporary, { recursive: true, force: true }));

    /** Serves a configuration with what was installed, and requests a small picture. */
    async function servesPicture(config: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
      const bin = join(home, "node_modules/mediatap/bin/mediatap.js");
      await testCommand({ bin, cwd: dirname(config), env }).served(config, async (port) => {
        const headers = { accept: "image/webp" };
        const answer = await ask(port, "/tr:w-40/dogs.jpg", { headers });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["content-type"], "image/webp");
      });
    }

    it("have a test that the new project passes", () => {
      const { name } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Manifest;
      assert.equal(name, "my-media");
      run(home, "npm", "test");
    });

    for (const [name, url] of [
      ["storage-shelf", "/tr:w-40/picture.png"],
      ["cache-shelf", "/tr:w-40/picture.png"],
      ["url-shelf", "/p/width:40/picture.png"],
      ["step-shelf", "/tr:w-40,e-duotone/picture.png"],
      ["decode-shelf", "/tr:w-40/picture.png"],
    ] as const) {
      it(`start a plugin that passes its contract suite and serves: ${name}`, async function () {
        this.timeout(300_000);
        const folder = join(home, name);
        run(home, process.execPath, "node_modules/.bin/create-mediatap-plugin", name);
        // TypeScript is there already: that of the repository.
        const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
        const { stdout } = run(folder, "env", `PATH=${path}`, "npm", "test");
        assert.match(stdout, /^ℹ fail 0$/m);
        assert.doesNotMatch(stdout, /^ℹ pass 0$/m);
        const bin = join(home, "node_modules/mediatap/bin/mediatap.js");
        await testCommand({ bin, cwd: folder }).served(join(folder, "mediatap.config.ts"), async (port) => {
          const { status, headers } = await ask(port, url, { headers: { accept: "image/webp" } });
          assert.equal(status, 200);
          assert.equal(headers["content-type"], "image/webp");
        });
      });
    }

    it("refuse a folder that is not empty, and a plugin of an unknown kind", () => {
      for (const [starter, args, message] of [
        ["create-mediatap", ["photos"], "photos is not empty: choose another folder"],
        ["create-mediatap-plugin", ["shelf"], "Expected a name such as storage-ftp but received 'shelf'"],
        ["create-mediatap-plugin", [], "Expected one name but received 0"],
      ] as const) {
        const bin = join("node_modules/.bin", starter);
        const { status, stderr } = spawnSync(process.execPath, [bin, ...args], {
          cwd: home,
          encoding: "utf8",
        });
        assert.equal(status, 1);
        assert.ok(stderr.startsWith(message), stderr);
      }
    });

    it("serve a picture", async () => {
      const config = join(home, "mediatap.config.mts");
      await writeFile(
        config,
        `import { defineConfig, presetMediatap } from "mediatap";
        export default defineConfig({
          presets: [presetMediatap()],
          origins: { photos: { type: "FOLDER", path: "./photos" } },
          endpoints: { default: { origins: ["photos"] } },
        });`,
      );
      await servesPicture(config);
    });

    it("have one core for whoever imports it, by whichever path", () => {
      const script = `
        import { MediaError } from "@mediatap/core";
        import { loadConfig } from "@mediatap/core/server";
        import { storageFs } from "mediatap";
        import { storageFs as same } from "@mediatap/storage-fs";
        const failed = loadConfig({ plugins: [{}] }, { source: "", base: "." });
        const error = await failed.catch((error) => error);
        console.log(error instanceof MediaError, storageFs === same);`;
      const { stdout } = run(home, process.execPath, "--input-type=module", "--eval", script);
      assert.equal(stdout, "true true\n");
    });

    it("have maps from what runs to the sources, which they contain", () => {
      const maps = globSync("node_modules/{mediatap,@mediatap/*}/dist/bundle/*.map", { cwd: home });
      assert.ok(maps.length > 50);
      for (const map of maps) {
        const { sources } = JSON.parse(readFileSync(join(home, map), "utf8")) as { sources: string[] };
        for (const source of sources.filter((path) => !path.includes("/node_modules/zod/")))
          assert.ok(existsSync(join(home, dirname(map), source)), `${map}: ${source}`);
      }
    });

    it("run the threads that they start", async () => {
      const config = join(home, "threads.config.json");
      await writeFile(
        config,
        JSON.stringify({
          presets: ["mediatap"],
          plugins: [["cache-disk", { path: "./cache" }]],
          origins: { photos: { type: "FOLDER", path: "./photos" } },
          endpoints: { default: { origins: ["photos"] } },
        }),
      );
      const bin = join(home, "node_modules/mediatap/bin/mediatap.js");
      await testCommand({ bin, cwd: home }).served(config, async (port) => {
        assert.equal((await ask(port, "/tr:w-40,e-colorize/dogs.jpg")).status, 200);
      });
    });

    it("serve a picture by a configuration outside that folder, as in a container", async () => {
      const origin = await startOrigin({ "dogs.jpg": await readFile(join(home, "photos/dogs.jpg")) });
      const elsewhere = await mkdtemp(join(tmpdir(), "mediatap-test-config-"));
      try {
        const config = join(elsewhere, "mediatap.config.mjs");
        await cp(join(root, "examples/deploy/mediatap.config.mjs"), config);
        const cache = join(elsewhere, "cache");
        await servesPicture(config, { ...process.env, CACHE_DIR: cache, ORIGIN_URL: origin.url });
        assert.ok(existsSync(cache));
      } finally {
        await origin.close();
        await rm(elsewhere, { recursive: true, force: true });
      }
    });
  });
});

function run(cwd: string, command: string, ...args: string[]): SpawnSyncReturns<string> {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  assert.equal(result.status, 0, `${command} ${args.join(" ")}: ${result.stdout}${result.stderr}`);
  return result;
}
