import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheDisk } from "@mediatap/cache-disk";
import { cacheKeyv } from "@mediatap/cache-keyv";
import { cacheMemory } from "@mediatap/cache-memory";
import { cacheSource } from "@mediatap/cache-source";
import { cacheStorage } from "@mediatap/cache-storage";
import { API_VERSION, type MediatapConfig, type Plugin, Stage } from "@mediatap/core";
import { createServer, loadConfig } from "@mediatap/core/server";
import { imageSharp } from "@mediatap/image-sharp";
import { metrics } from "@mediatap/metrics";
import { makePng, memoryStorage, readPng, startServer, until } from "@mediatap/test";
import { timing } from "@mediatap/timing";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "@mediatap/video-remux";
import { webhooks } from "@mediatap/webhooks";

const root = join(import.meta.dirname, "../../..");

/** Programs that the page tells to run, without the condition under which this repository runs from source. */
function run(cwd: string, program: string, ...args: string[]) {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

describe("PLUGINS.md", () => {
  let page: string;
  let folder: string;
  let blocks: { language: string; code: string }[];
  before(async () => {
    page = await readFile(join(root, "core/PLUGINS.md"), "utf8");
    blocks = [...page.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language = "", code = ""]) => ({
      language,
      code,
    }));
    // Inside the repository, so that packages are found.
    await mkdir(join(root, ".cache"), { recursive: true });
    folder = await mkdtemp(join(root, ".cache/plugins-"));
    for (const { code } of blocks) {
      const [, file] = /^\/\/ (\S+\.ts)$/m.exec(code) ?? [];
      if (file === undefined) continue;
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), code);
    }
    for (const [file, field] of [
      ["package.json", "peerDependencies"],
      ["tsconfig.json", "compilerOptions"],
    ] as const) {
      await writeFile(join(folder, file), JSON.stringify(json(field)));
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** The JSON block with a field. */
  function json(field: string): Record<string, unknown> {
    const found = blocks.find(({ language, code }) => language === "json" && code.includes(`"${field}"`));
    assert(found, field);
    return JSON.parse(found.code) as Record<string, unknown>;
  }

  it("shows code that builds, and runs as plain JavaScript", async () => {
    const built = run(folder, join(root, "node_modules/.bin/tsc"), "-p", "tsconfig.json");
    assert.deepEqual(built, { status: 0, output: "" });
    const { name, exports } = json("peerDependencies") as {
      name: string;
      exports: { ".": { default: string } };
    };
    const entry = exports["."].default;
    const ran = run(
      folder,
      process.execPath,
      // The plugin is plain JavaScript; of the core the sources, so that no build is needed.
      "--conditions=mediatap:source",
      "-p",
      `import(${JSON.stringify(entry)}).then(m => console.log(m.default({ value: "a" }).name))`,
    );
    assert.match(ran.output, /^header-powered-by$/m);
    // As npm would install it, for the next test.
    await mkdir(join(folder, "node_modules", name), { recursive: true });
    for (const file of ["package.json", "dist"]) {
      await cp(join(folder, file), join(folder, "node_modules", name, file), { recursive: true });
    }
  });

  it("shows a configuration in JSON that loads them by their names", async () => {
    await writeFile(join(folder, "a.txt"), "a");
    const server = await startServer(
      {
        ...(json("plugins") as MediatapConfig),
        presets: [{ plugins: [metrics()] }],
        origins: { files: { type: "FOLDER", path: "." } },
        endpoints: { default: { origins: ["files"], privateKey: "a key of sixteen bytes" } },
      },
      { base: folder },
    );
    try {
      const { status, headers } = await server.ask("/a.txt");
      assert.deepEqual([status, headers["x-powered-by"]], [200, "coffee"]);
      // A request is reported once its response has been sent.
      await until(async () => (await server.ask("/-/counter")).text === "1\n", "it is counted");
      assert.match((await server.ask("/-/metrics")).text, /^mediatap_counter_requests_total\b.* 1$/m);
      assert.equal((await server.ask("/-/api/v1/counter")).status, 401);
      const authorization = `Basic ${Buffer.from("a key of sixteen bytes:").toString("base64")}`;
      const call = await server.ask("/-/api/v1/counter", { headers: { authorization } });
      assert.deepEqual(JSON.parse(call.text), { requests: 1 });
    } finally {
      await server.close();
    }
  });

  it("shows a parameter of ImageKit's language for a step", async () => {
    await writeFile(
      join(folder, "photo.png"),
      makePng(8, 8, (x) => [x * 30, x * 30, x * 30, 255]),
    );
    const { default: config } = (await import(pathToFileURL(join(folder, "mediatap.config.ts")).href)) as {
      default: MediatapConfig;
    };
    const server = await startServer(config, { base: folder });
    try {
      const { body } = await server.ask("/tr:f-png,e-duotone-102040_ffe0b0/photo.png");
      assert.deepEqual(readPng(body).at(0, 0), [0x10, 0x20, 0x40, 255]);
      assert.equal((await server.ask("/tr:e-duotone-red/photo.png")).status, 400);
    } finally {
      await server.close();
    }
  });

  it("shows fields of endpoints and of the top level", async () => {
    const server = await startServer(
      {
        ...(json("watermarks") as MediatapConfig),
        plugins: ["url-imagekit", "storage-fs", "./src/watermark.ts"],
        origins: { files: { type: "FOLDER", path: "." } },
      },
      { base: folder },
    );
    try {
      const marks = [];
      for (const path of ["/a.txt", "/shop/a.txt"])
        marks.push((await server.ask(path)).headers["x-watermark"]);
      assert.deepEqual(marks, ["Example Ltd.; 24", "Shop; 24"]);
    } finally {
      await server.close();
    }
  });

  it("shows a cache and a step that pass their contract suites under node --test", () => {
    const args = ["--conditions=mediatap:source", "--test", "--test-reporter=tap", "test/contract.test.ts"];
    const { status, output } = run(folder, process.execPath, ...args);
    assert.equal(status, 0, output.slice(-3000));
    assert(Number(/^# pass (\d+)$/m.exec(output)?.[1]) > 30);
  });

  it("names the stages of the plugins in this repository", async () => {
    const [, table = ""] = /<!-- stages -->\n(.*?)\n\n/s.exec(page) ?? [];
    const rows = [...table.matchAll(/^\| `(\w+)` +\| (-?\d+)\S* .*?\| ([\w-]+) /gm)].map(
      ([, hook, stage, plugin]) => `${hook} ${stage} ${plugin}`,
    );
    assert.deepEqual(rows.filter((row) => !/ 0 /.test(row)).sort(), (await stages()).sort());
    for (const [, name, value] of page.matchAll(/(-?\d+) `Stage\.(\w+)`/g)) {
      assert.equal(Stage[value as keyof typeof Stage], Number(name), value);
    }
  });

  it("is in the package, as the other pages are", () => {
    const { output } = run(root, "npm", "pack", "--dry-run", "--json", "--workspace", "core");
    for (const name of ["CACHING", "CONFIGURATION", "ERRORS", "ORIGINS", "PLUGINS", "README", "SCALING"]) {
      assert.match(output, new RegExp(`"path": "${name}\\.md"`));
    }
  });

  it("names the version of the API", () => {
    assert(page.includes(`the core exports its own as \`API_VERSION\`, now ${API_VERSION}.`));
  });
});

/** Taps of first-party plugins at other stages than 0: hook, stage, plugin. */
async function stages(): Promise<string[]> {
  const plugins: Plugin[] = [
    cacheMemory(),
    cacheDisk({ path: ".cache/none" }),
    cacheKeyv({ redis: "redis://127.0.0.1:1" }),
    cacheStorage({ origin: "kept" }),
    cacheSource({ storage: "kept" }),
    imageSharp(),
    timing(),
    videoFfmpeg(),
    videoRemux(),
    webhooks({ url: "http://127.0.0.1:1/", secret: "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1yZWFk" }),
  ];
  const found = new Set<string>();
  const watching = plugins.map(
    (plugin): Plugin => ({
      ...plugin,
      apply(api) {
        const watched = (hook: object, name: string) => {
          const add =
            (method: "tap" | "tapPromise") => (options: string | { stage?: number }, fn: unknown) => {
              const stage = typeof options === "string" ? 0 : (options.stage ?? 0);
              if (stage !== 0) found.add(`${name} ${stage} ${plugin.name}`);
              (hook as Record<string, (...args: unknown[]) => void>)[method]?.(options, fn);
            };
          return { tap: add("tap"), tapPromise: add("tapPromise") };
        };
        const hooks = Object.entries(api.hooks).map(([name, hook]) => [
          name,
          "for" in hook
            ? { for: (key: string) => watched((hook as { for(key: string): object }).for(key), name) }
            : watched(hook, name),
        ]);
        plugin.apply({ ...api, hooks: Object.fromEntries(hooks) });
      },
    }),
  );
  found.add("fetch 100 core");
  const config = await loadConfig(
    {
      plugins: [urlImagekit(), memoryStorage(new Map()), watching],
      origins: { files: { type: "MEMORY" }, kept: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      log: { level: "silent" },
    },
    { source: "test", base: root },
  );
  const server = await createServer({ config });
  await server.close();
  return [...found];
}
