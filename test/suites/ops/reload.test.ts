import assert from "node:assert/strict";
import { mkdir, readdir, readlink, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { loadConfig } from "@mediatap/core/server";
import {
  makeFolder,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { type Serving, serving } from "../../../core/test/cli/mediatap.ts";
import { client } from "../support/clients.ts";
import { photo, seen } from "../support/photos.ts";
import { counter, folderConfig, gate, webConfig } from "../support/plugins.ts";

/** Counts how often each instance of it was started and stopped. */
function lives() {
  const all: { starts: number; stops: number }[] = [];
  return {
    all,
    plugin(): Plugin {
      const life = { starts: 0, stops: 0 };
      all.push(life);
      return {
        name: "life",
        version: "1",
        apiVersion: 1,
        apply({ hooks }) {
          hooks.start.tap("life", () => void life.starts++);
          hooks.stop.tap("life", () => void life.stops++);
        },
      };
    },
  };
}

const loaded = (config: MediatapConfig) =>
  loadConfig({ log: { level: "silent" }, ...config }, { source: "test", base: process.cwd() });

describe("another configuration", () => {
  let folder: TestFolder;
  let server: TestServer;
  const reload = async (config: MediatapConfig) => server.server.reload(await loaded(config));
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(80, 60), "gate/0": "x", "a.txt": "one" });
  });
  after(() => folder.close());
  afterEach(() => server.close());

  it("takes effect for the next request, while a request under way ends under the old one", async () => {
    const other = await makeFolder({ "a.txt": "two" });
    const work = gate();
    const { all, plugin } = lives();
    server = await startServer(folderConfig(folder.path, work, plugin()));
    const before = server.ask("/gate/0?tr=w-5");
    await work.begun(1);
    assert.equal((await server.ask("/a.txt")).text, "one");
    await reload(folderConfig(other.path, plugin()));
    assert.equal((await server.ask("/a.txt")).text, "two");
    assert.equal((await server.ask("/gate/0?tr=w-5")).status, 404);
    assert.deepEqual(all, [
      { starts: 1, stops: 0 },
      { starts: 1, stops: 0 },
    ]);
    work.open();
    assert.match((await before).text, /^made of gate/);
    await until(() => all[0]?.stops === 1, "the old one has stopped");
    assert.equal(all[1]?.stops, 0);
    await other.close();
  });

  it("reaches clients over connections that are open already", async () => {
    server = await startServer(folderConfig(folder.path));
    const asking = client(server.port, () => "/photo.jpg?tr=w-10");
    await until(() => asking.statuses.length > 0, "it was answered");
    await reload({ ...folderConfig(folder.path), endpoints: { other: { origins: ["files"] } } });
    const known = asking.statuses.length;
    await until(() => asking.statuses.length > known + 2, "it was answered again");
    asking.stop();
    await asking.ended;
    assert.deepEqual(asking.failures, []);
    assert.equal(asking.statuses.at(-1), 404);
  });

  it("finds the caches in memory warm, also with another budget", async () => {
    const count = counter();
    server = await startServer(folderConfig(folder.path, count));
    await server.ask("/tr:w-20/photo.jpg");
    for (const maxBytes of [undefined, 4_000_000, 200_000_000]) {
      const memory = maxBytes === undefined ? [] : [cacheMemory({ maxBytes })];
      await reload(folderConfig(folder.path, count, ...memory));
      const answer = await server.ask("/tr:w-20/photo.jpg");
      assert.match(answer.headers["cache-status"] ?? "", /hit/);
      assert.equal((await seen(answer.body)).width, 20);
    }
    assert.equal(count.transforms(), 1);
  });

  it("knows which origin is down, but not of one that is new under the name", async () => {
    const config = (url: string) => ({ ...webConfig([url]), limits: { breakerRequests: 1 } });
    const down = await startOrigin({ "a.txt": { answer: (_, res) => void res.writeHead(500).end() } });
    const up = await startOrigin({ "a.txt": Buffer.from("up") });
    server = await startServer(config(down.url));
    const state = async () => (await server.ask("/-/ready?verbose")).text;
    assert.equal((await server.ask("/a.txt")).status, 404);
    assert.match(await state(), /"open"/);
    await reload(config(down.url));
    assert.match(await state(), /"open"/);
    await reload(config(up.url));
    assert.equal((await server.ask("/a.txt")).text, "up");
    assert.doesNotMatch(await state(), /"open"/);
    await down.close();
    await up.close();
  });

  it("brings its limits along", async () => {
    server = await startServer({ ...folderConfig(folder.path), limits: { transforms: 3 } });
    assert.equal(server.server.runtime.scheduler.load().places, 3);
    const work = gate();
    await reload({ ...folderConfig(folder.path, work), limits: { transforms: 1, queueWait: 10 } });
    assert.equal(server.server.runtime.scheduler.load().places, 1);
    const first = server.ask("/gate/0?tr=w-5");
    await work.begun(1);
    assert.equal((await server.ask("/gate/0?tr=w-6")).status, 503);
    work.open();
    assert.equal((await first).status, 200);
  });

  it("that is wrong changes nothing, and leaves nothing behind", async () => {
    const { all, plugin } = lives();
    server = await startServer({ ...folderConfig(folder.path, plugin()), limits: { transforms: 3 } });
    const { number } = server.server.runtime.info;
    const wrong = folderConfig(folder.path, plugin());
    await assert.rejects(
      reload({ ...wrong, limits: { transforms: 7 }, origins: { files: { type: "FOLDR", path: "." } } }),
      /^MediaError: test: origins\.files\.type: no plugin serves 'FOLDR', did you mean "FOLDER"\?$/,
    );
    const refusing: Plugin = {
      name: "refusing",
      version: "1",
      apiVersion: 1,
      apply: ({ hooks }) => hooks.start.tapPromise("refusing", () => Promise.reject(new Error("no"))),
    };
    await assert.rejects(reload(folderConfig(folder.path, plugin(), refusing)));
    assert.equal(server.server.runtime.info.number, number);
    assert.equal(server.server.runtime.scheduler.load().places, 3);
    assert.equal((await server.ask("/a.txt")).text, "one");
    assert.deepEqual(
      all.map(({ stops }) => stops),
      [0, 1, 1],
    );
    await server.close();
    assert.deepEqual(
      all.map(({ stops }) => stops),
      [1, 1, 1],
    );
  });

  it("takes the place of the one before twenty times under load: no request is lost, none is left behind", async function () {
    if (process.platform !== "linux") return this.skip();
    const origin = await startOrigin({ "photo.jpg": await photo(80, 60), "a.txt": Buffer.from("a") });
    const { all, plugin } = lives();
    const count = counter();
    const config = (n: number): MediatapConfig => ({
      ...webConfig([origin.url], plugin(), count),
      endpoints: {
        default: { origins: ["web0"], cacheControl: `public, max-age=${1000 + n}` },
        ...(n % 2 ? { odd: { origins: ["web0"] } } : {}),
      },
    });
    server = await startServer(config(0));
    const paths = ["/tr:w-20/photo.jpg", "/tr:w-30/photo.jpg", "/a.txt", "/tr:w-40,f-png/photo.jpg?v=1"];
    const idle = (await sockets()).length;
    for (const path of paths) assert.equal((await server.ask(path)).status, 200);
    const clients = Array.from({ length: 20 }, (_, at) =>
      client(server.port, (turn) => paths[(turn + at) % paths.length] as string),
    );
    const answered = () => clients.reduce((sum, { statuses }) => sum + statuses.length, 0);
    for (let n = 1; n <= 20; n++) {
      const before = answered();
      await reload(config(n));
      await until(() => answered() > before + 40, "the clients go on");
    }
    for (const one of clients) one.stop();
    await Promise.all(clients.map(({ ended }) => ended));
    for (const { failures, statuses } of clients) {
      assert.deepEqual(failures, []);
      assert(statuses.every((status) => status === 200));
    }
    assert.match((await server.ask("/a.txt")).headers["cache-control"] ?? "", /max-age=1020/);
    await until(() => all.filter(({ stops }) => stops === 1).length === 20, "the old ones have stopped");
    assert.deepEqual(all.at(-1), { starts: 1, stops: 0 });
    assert.equal(count.transforms(), 3);
    await server.close();
    assert(all.every(({ starts, stops }) => starts === 1 && stops === 1));
    await origin.close();
    await until(async () => (await sockets()).length <= idle, "all sockets are closed");
  });
});

async function sockets(): Promise<string[]> {
  const names = await readdir("/proc/self/fd");
  const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
  return links.filter((link) => link.startsWith("socket"));
}

describe("a configuration file", () => {
  const PRESET = JSON.stringify(join(import.meta.dirname, "../../../presets/mediatap/src/index.ts"));
  const CONFIG = `
import { folder } from "./places.mjs";
import { presetMediatap } from ${PRESET};
export default {
  presets: [presetMediatap()],
  origins: { files: { type: "FOLDER", path: folder } },
  endpoints: { default: { origins: ["files"] } },
};
`;
  let folder: TestFolder;
  let server: Serving | undefined;
  const places = (name: string) => `export const folder = "./${name}";\n`;
  const write = (name: string, text: string) => writeFile(join(folder.path, name), text);
  const lines = (part: string) =>
    (server?.lines ?? []).filter(({ msg }) => String(msg).includes(part)).map(({ msg }) => String(msg));
  const text = async (port: number) => {
    const answer = await fetch(`http://127.0.0.1:${port}/a.txt`);
    return await answer.text();
  };
  beforeEach(async () => {
    folder = await makeFolder({
      "one/a.txt": "one",
      "two/a.txt": "two",
      "package.json": "{}",
      "mediatap.config.mjs": CONFIG,
      "places.mjs": places("one"),
    });
  });
  afterEach(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    await folder.close();
  });

  it("is taken again at SIGHUP, with what it imports; a wrong one is told in a line and passed over", async () => {
    server = await serving([], { cwd: folder.path });
    assert.equal(await text(server.port), "one");
    await write("places.mjs", places("two"));
    assert.equal(await text(server.port), "one");
    server.kill("SIGHUP");
    await until(() => lines("was reloaded").length === 1, "it was taken");
    assert.equal(await text(server.port), "two");

    await write("mediatap.config.mjs", CONFIG.replace('"FOLDER"', '"FOLDR"'));
    server.kill("SIGHUP");
    await until(() => lines("was not reloaded").length === 1, "it was refused");
    assert.match(
      lines("was not reloaded")[0] ?? "",
      /: mediatap\.config\.mjs: origins\.files\.type: no plugin serves 'FOLDR', did you mean "FOLDER"\?$/,
    );
    assert.equal(await text(server.port), "two");

    await write(
      "mediatap.config.mjs",
      CONFIG.replace("endpoints", "endponts").replace("default", "default "),
    );
    server.kill("SIGHUP");
    await until(() => lines("was not reloaded").length === 2, "it was refused again");
    assert.match(lines("was not reloaded")[1] ?? "", /: mediatap\.config\.mjs: endponts: unknown field/);
    assert.equal(await text(server.port), "two");
  });

  it("is taken by itself behind links that change, as those of a ConfigMap do", async () => {
    const into = (name: string) => join(folder.path, "mounted", name);
    await mkdir(into("v1"), { recursive: true });
    await mkdir(into("v2"));
    for (const [at, name] of ["one", "two"].entries()) {
      const config = CONFIG.replace("path: folder", `path: ${JSON.stringify(join(folder.path, name))}`);
      await write(`mounted/v${at + 1}/mediatap.config.mjs`, config);
      await write(`mounted/v${at + 1}/places.mjs`, places(name));
    }
    await symlink("v1", into("..data"));
    await symlink("..data/mediatap.config.mjs", into("mediatap.config.mjs"));
    server = await serving(["--watch", "--config", "mounted/mediatap.config.mjs"], { cwd: folder.path });
    assert.equal(await text(server.port), "one");
    await symlink("v2", into("..next"));
    await rename(into("..next"), into("..data"));
    await until(() => lines("was reloaded").length === 1, "it was taken");
    assert.equal(await text(server.port), "two");
  });

  it("is taken by itself where it is watched, and what it imports as well", async () => {
    server = await serving(["--watch"], { cwd: folder.path });
    await write("places.mjs", places("two"));
    await until(() => lines("was reloaded").length === 1, "it was taken");
    assert.equal(await text(server.port), "two");
    await write("mediatap.config.mjs", "nonsense(");
    await until(() => lines("was not reloaded").length === 1, "it was refused");
    assert.match(lines("was not reloaded")[0] ?? "", /: mediatap\.config\.mjs: /);
    await write(
      "mediatap.config.mjs",
      CONFIG.replace("folder }", "folder, }").replace("path: folder", 'path: "./one"'),
    );
    await until(() => lines("was reloaded").length === 2, "it was taken again");
    assert.equal(await text(server.port), "one");
  });
});

describe("a plugin that is being written", () => {
  /** An engine for texts whose renditions are a word of its code. */
  const plugin = (word: string) => `
import { Readable } from "node:stream";
import { mark } from "./mark.mjs";
export default () => ({
  name: "shout",
  version: "1.0.0",
  apiVersion: 1,
  apply({ hooks, fingerprint }) {
    fingerprint("shout@1.0.0");
    hooks.transform.tap({ name: "shout", stage: -500 }, ({ asset }) => asset.path === "a.txt" ? {
      engine: "shout", lane: "light", cost: 1, memory: 0, explain: () => ({}),
      async run() {
        const bytes = Buffer.from(${JSON.stringify(word)} + mark);
        const stream = async () => Readable.from([bytes]);
        return { type: "text/plain", format: "txt", body: { complete: true, length: bytes.length, bytes, stream } };
      },
    } : undefined);
  },
});
`;
  const rest = `
  origins: { files: { type: "FOLDER", path: "./files" } },
  endpoints: { default: { origins: ["files"] } },
`;
  const config = (plugins: string) =>
    `{ presets: ["@mediatap/preset-imagekit"], plugins: [${plugins}], ${rest} }`;
  /** Files of a configuration with this plugin. */
  const FORMS: Readonly<Record<string, (word: string) => Readonly<Record<string, string>>>> = {
    "imported by a module": (word) => ({
      "shout.mjs": plugin(word),
      "mediatap.config.mjs": `import shout from "./shout.mjs"; export default ${config(`"storage-fs", "cache-memory", shout()`)};`,
    }),
    "named by its path": (word) => ({
      "shout.mjs": plugin(word),
      "mediatap.config.yaml": config(`"storage-fs", "cache-memory", "./shout.mjs"`),
    }),
    "in the configuration itself": (word) => ({
      "mediatap.config.mjs": `${plugin(word).replace("export default", "const shout =")}
        export default ${config(`"storage-fs", "cache-memory", shout()`)};`,
    }),
  };

  for (const [form, files] of Object.entries(FORMS)) {
    it(`makes renditions again when its code changes: ${form}`, async () => {
      const folder = await makeFolder({
        "files/a.txt": "a",
        "package.json": "{}",
        "mark.mjs": `export const mark = "!";`,
        ...files("one"),
      });
      const write = (name: string, text: string) => writeFile(join(folder.path, name), text);
      const server = await serving(["--watch"], { cwd: folder.path });
      const reloads = () => server.lines.filter(({ msg }) => String(msg).includes("was reloaded")).length;
      const ask = async (etag?: string | null) => {
        const headers = etag ? { "if-none-match": etag } : {};
        const answer = await fetch(`http://127.0.0.1:${server.port}/a.txt`, { headers });
        return { status: answer.status, text: await answer.text(), etag: answer.headers.get("etag") };
      };
      try {
        const first = await ask();
        assert.equal(first.text, "one!");
        assert.equal((await ask(first.etag)).status, 304);

        const before = files("one");
        for (const [name, text] of Object.entries(files("two"))) {
          if (text !== before[name]) await write(name, text);
        }
        await until(() => reloads() === 1, "the plugin was loaded again");
        const second = await ask(first.etag);
        assert.deepEqual([second.status, second.text], [200, "two!"]);

        await write("mark.mjs", `export const mark = "?";`);
        await until(() => reloads() === 2, "what it imports was loaded again");
        const third = await ask(second.etag);
        assert.deepEqual([third.status, third.text], [200, "two?"]);

        // What was there before is right again.
        await write("mark.mjs", `export const mark = "!";`);
        await until(() => reloads() === 3, "it was loaded again");
        assert.equal((await ask(second.etag)).status, 304);
      } finally {
        server.kill("SIGKILL");
        await server.ended;
        await folder.close();
      }
    });
  }
});
