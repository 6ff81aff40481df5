import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ask, makeFolder, type TestFolder, until } from "@mediatap/test";
import { mediatap, type Serving, serving } from "../../../core/test/cli/mediatap.ts";
import { client } from "../support/clients.ts";
import { photo } from "../support/photos.ts";

/**
 * The usual server, an engine for what lies below `slow/` that waits until the file `go` is there, routes that say which
 * process answers and what it may use, and lines in the log about what is asked for and made.
 */
const CONFIG = `
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { bodyOf, MediaError } from ${path("../../../core/src/index.ts")};
import { presetMediatap } from ${path("../../../presets/mediatap/src/index.ts")};
const say = (msg, more) => console.log(JSON.stringify({ msg, pid: process.pid, ...more }));
const slow = {
  name: "slow",
  version: "1",
  apiVersion: 1,
  apply({ hooks, cache, route, purge, state, limitsOf, cluster: { workers } }) {
    if (existsSync("broken")) throw new MediaError("ECONFIG", "it is broken");
    route("GET", "/-/process", () => ({ body: JSON.stringify({ pid: process.pid, workers, limits: limitsOf(), places: state().work.places, pool: process.env.UV_THREADPOOL_SIZE }) }));
    route("POST", "/-/forget", async () => (await purge({ kind: "all", value: "" }), { body: "done" }));
    route("GET", "/-/settled", () => new Promise((done) => {
      const heard = ({ mediatap }) => {
        if (mediatap !== "socket") return;
        process.off("message", heard);
        done({ body: String(process.pid) });
      };
      process.on("message", heard);
      process.send({ mediatap: "inherit" });
    }));
    route("POST", "/-/crash", () => void setImmediate(() => { throw new Error("crashed"); }));
    cache({ tier: "memory", settings: {}, maxEntryBytes: 0, open: () => ({ get: (key) => void say("asked", { key }), put() {}, delete() {} }) });
    hooks.stop.tap("slow", () => say("stopped"));
    hooks.transform.tap({ name: "slow", stage: -100 }, ({ asset }) => {
      if (!asset.path.startsWith("slow/")) return undefined;
      return { engine: "slow", lane: "heavy", cost: 1, memory: 0, explain: () => ({}), async run() {
        say("made", { path: asset.path });
        while (!existsSync("go")) await pause(10);
        if (asset.path.includes("fails")) throw new MediaError("EINVAL", "It cannot be made");
        const size = asset.path.includes("large") ? 6e6 : 0;
        return { body: bodyOf(Buffer.from(("made by " + process.pid).padEnd(size))), type: "text/plain", format: "slow" };
      } };
    });
  },
};
export default {
  presets: [presetMediatap()],
  plugins: [slow],
  origins: { files: { type: "FOLDER", path: "./files", checkSeconds: 3600 } },
  endpoints: { default: { origins: ["files"] } },
  limits: { transforms: 8, queueBytes: 1000 },
};
`;

function path(relative: string): string {
  return JSON.stringify(join(import.meta.dirname, relative));
}

interface Process {
  readonly pid: number;
  readonly workers: number;
  readonly places: number;
  readonly pool: string;
  readonly limits: Record<string, number>;
}

let folder: TestFolder;
let server: Serving | undefined;

const start = async (...args: string[]): Promise<Serving> => {
  server = await serving(args, { cwd: folder.path });
  return server;
};
const port = () => server?.port ?? 0;
const write = (name: string, text = "") => writeFile(join(folder.path, name), text);
const said = (msg: string) => (server?.lines ?? []).filter((line) => line.msg === msg);
const mentioned = (part: string) => (server?.lines ?? []).filter(({ msg }) => String(msg).includes(part));

async function someProcess(): Promise<Process> {
  return JSON.parse((await ask(port(), "/-/process")).text);
}

/** How many new connections reach each of two processes: all but one set of them in a thousand million. */
const TRIES = 30;

/** The processes that take new connections now. */
async function processes(): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  for (let i = 0; i < TRIES; i++) found.add((await someProcess()).pid);
  return found;
}

/** The same while one of them ends: none if a connection was lost with it. */
const taken = () => processes().catch(() => new Set<number>());

/** What the two processes have told each other so far has been heard: each has had an answer of the primary one, in turn. */
async function settled(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const pids = new Set<string>();
    while (pids.size < 2) pids.add((await ask(port(), "/-/settled")).text);
  }
}

function added(now: ReadonlySet<number>, before: ReadonlySet<number>): number {
  return [...now].filter((pid) => !before.has(pid)).length;
}

function setUp(): void {
  beforeEach(async () => {
    server = undefined;
    folder = await makeFolder({
      "files/photo.jpg": await photo(60, 40),
      "files/slow/a": "x",
      "files/slow/b": "x",
      "files/slow/fails": "x",
      "files/slow/large": "x",
      "package.json": "{}",
      "mediatap.config.mjs": CONFIG,
    });
  });
  afterEach(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    await folder.close();
  });
}

describe("a server of several processes", () => {
  setUp();

  it("shares its port, its places and its budgets", async () => {
    await start("--workers", "2");
    const counts = new Map<number, number>();
    for (let i = 0; i < 100; i++) {
      const { pid } = await someProcess();
      counts.set(pid, (counts.get(pid) ?? 0) + 1);
    }
    assert.equal(counts.size, 2);
    // About half each.
    for (const count of counts.values()) assert(count >= 20, String(count));
    const { workers, places, limits, pool } = await someProcess();
    assert.equal(workers, 2);
    assert.equal(places, 4);
    assert.equal(limits.queueBytes, 500);
    assert.equal(limits.connections, 5_000);
    assert.equal(pool, String(Math.max(1, Math.round(availableParallelism() / 2)) + 2));
    assert.equal(mentioned("listens on").length, 1);
  });

  it("makes what is asked of all of them at once only once", async () => {
    await start("--workers", "2");
    const answers = Array.from({ length: 16 }, () => ask(port(), "/slow/a?tr=w-5"));
    await until(() => said("asked").length === 16, "all have come");
    assert.equal(new Set(said("asked").map(({ pid }) => pid)).size, 2);
    await settled();
    await write("go");
    const texts = new Set((await Promise.all(answers)).map(({ status, text }) => `${status} ${text}`));
    assert.deepEqual([...texts], [`200 made by ${said("made")[0]?.pid}`]);
    assert.equal(said("made").length, 1);
    // Both have it now.
    for (let i = 0; i < TRIES; i++) {
      assert.match((await ask(port(), "/slow/a?tr=w-5")).headers["cache-status"] ?? "", /hit/);
    }
  });

  it("has it once also for those who come a little late, until it is purged", async () => {
    await start("--workers", "2");
    await write("go");
    const all = async () => {
      const { text } = await ask(port(), "/slow/a?tr=w-5");
      const late = await Promise.all(Array.from({ length: 12 }, () => ask(port(), "/slow/a?tr=w-5")));
      return new Set([text, ...late.map((answer) => answer.text)]).size;
    };
    assert.equal(await all(), 1);
    assert.equal(said("made").length, 1);
    await ask(port(), "/-/forget", { method: "POST" });
    await settled();
    assert.equal(await all(), 1);
    assert.equal(said("made").length, 2);
  });

  it("renders nothing that one of them has in memory, however late the others come", async () => {
    await start("--workers", "2");
    await write("go");
    const { text } = await ask(port(), "/slow/a?tr=w-5");
    const made = (path: RegExp) => said("made").filter((line) => path.test(String(line.path)));
    // More than a process keeps beside its caches of what it rendered last.
    const isFull = () => made(/large/).filter(({ pid }) => text === `made by ${pid}`).length >= 6;
    for (let i = 0; i < TRIES && !isFull(); i++) await ask(port(), `/slow/large?tr=w-${i + 10}`);
    await until(isFull, "the process has rendered more");
    for (let i = 0; i < TRIES; i++) assert.equal((await ask(port(), "/slow/a?tr=w-5")).text, text);
    await settled();
    assert.equal(new Set(said("asked").map(({ pid }) => pid)).size, 2);
    assert.equal(made(/slow\/a/).length, 1);
  });

  it("fails for all of them at once what cannot be made", async () => {
    await start("--workers", "2");
    const answers = Array.from({ length: 8 }, () => ask(port(), "/slow/fails?tr=w-5"));
    await until(() => said("asked").length === 8, "all have come");
    await settled();
    await write("go");
    for (const { status, text } of await Promise.all(answers)) {
      assert.equal(status, 400);
      assert.match(text, /It cannot be made/);
    }
    assert.equal(said("made").length, 1);
  });

  it("loses with a process that is killed no more than what it did; another one takes its place", async () => {
    await start("--workers", "2");
    const before = await processes();
    const answers = Array.from({ length: 8 }, (_, at) =>
      ask(port(), `/slow/${at % 2 ? "a" : "b"}?tr=w-5`).then(
        ({ text }) => text,
        () => "lost",
      ),
    );
    await until(() => said("made").length === 2 && said("asked").length === 8, "all have come");
    await settled();
    const killed = Number(said("made")[0]?.pid);
    const asked = said("asked").filter(({ pid }) => pid === killed).length;
    process.kill(killed, "SIGKILL");
    await until(() => mentioned("was ended by SIGKILL").length === 1, "it was noticed");
    await write("go");
    const texts = await Promise.all(answers);
    // What it did for others is done by them.
    assert.equal(texts.filter((text) => text === "lost").length, asked);
    assert(texts.every((text) => text === "lost" || !text.endsWith(String(killed))));
    await until(async () => (await taken()).size === 2, "there are two again");
    assert.equal(added(await processes(), before), 1);
  });

  it("lets nobody wait whose connection a killed process had not taken yet", async () => {
    await start("--workers", "2");
    const [hanging = 0] = await processes();
    process.kill(hanging, "SIGSTOP");
    const answers = Array.from({ length: 30 }, () =>
      ask(port(), "/photo.jpg?tr=w-7").then(
        ({ status }) => status,
        () => "lost",
      ),
    );
    // The other one answers what reaches it.
    assert.equal(await Promise.race(answers), 200);
    process.kill(hanging, "SIGKILL");
    const kinds = new Set(await Promise.all(answers));
    assert.deepEqual(kinds, new Set([200, "lost"]));
  });

  it("replaces a process that does not respond", async () => {
    server = await serving(["--workers", "2"], { cwd: folder.path, env: { WORKER_TIMEOUT: "3000" } });
    const [hanging = 0] = await processes();
    process.kill(hanging, "SIGSTOP");
    await until(() => mentioned("does not respond").length > 0, "it was noticed");
    const isReplaced = (now: ReadonlySet<number>) => now.size === 2 && !now.has(hanging);
    await until(() => processes().then(isReplaced, () => false), "there are two again");
  });

  it("ends a process whose error nobody caught, when what it does is done, and replaces it at once", async () => {
    await start("--workers", "2");
    const before = await processes();
    await ask(port(), "/-/crash", { method: "POST" });
    await until(() => mentioned("another one takes its place").length === 1, "it was noticed");
    await until(async () => added(await taken(), before) === 1, "a new one serves");
    assert.equal((await ask(port(), "/-/ready")).status, 200);
  });

  it("goes on with the others while a process cannot be replaced", async () => {
    await start("--workers", "2");
    const [killed = 0] = await processes();
    await write("broken");
    process.kill(killed, "SIGKILL");
    await until(() => mentioned("another one takes its place").length === 1, "it was noticed");
    for (let i = 0; i < 10; i++) assert.notEqual((await someProcess()).pid, killed);
    await rm(join(folder.path, "broken"));
    await until(async () => (await taken()).size === 2, "there are two again");
  });

  it("is replaced at SIGHUP, one process after the other, and no request is lost", async () => {
    // Six processes start.
    const { kill } = await start("--workers", "2");
    const before = await processes();
    const clients = Array.from({ length: 10 }, () =>
      client(port(), (turn) => `/photo.jpg?tr=w-${10 + (turn % 5)}`),
    );
    await until(() => clients.every(({ statuses }) => statuses.length > 5), "all are served");
    kill("SIGHUP");
    await until(() => mentioned("new workers serve").length === 1, "they are replaced");
    await until(() => said("stopped").length === 2, "the old ones have ended");
    for (const one of clients) one.stop();
    await Promise.all(clients.map(({ ended }) => ended));
    for (const { failures, statuses } of clients) {
      assert.deepEqual(failures, []);
      assert(statuses.every((status) => status === 200));
    }
    const after = await processes();
    assert.equal(after.size, 2);
    assert.equal(added(after, before), 2);
  });

  it("stays as it is when the new configuration is wrong", async () => {
    const { kill } = await start("--workers", "2");
    const before = await processes();
    await write("mediatap.config.mjs", CONFIG.replace('"FOLDER"', '"FOLDR"'));
    kill("SIGHUP");
    await until(() => mentioned("the old workers stay active").length === 1, "it was refused");
    assert.deepEqual([...(await processes())].sort(), [...before].sort());
    kill("SIGTERM");
    const { code, err } = (await server?.ended) ?? { code: null, err: "" };
    assert.equal(code, 0);
    assert.match(
      err,
      /^mediatap: mediatap\.config\.mjs: origins\.files\.type: no plugin serves 'FOLDR'[^\n]*\n$/,
    );
  });

  it("forgets in all processes what one is told to forget", async () => {
    await start("--workers", "2");
    const status = async () => (await ask(port(), "/photo.jpg?tr=w-9")).headers["cache-status"] ?? "";
    for (let i = 0; i < TRIES; i++) await status();
    for (let i = 0; i < TRIES; i++) assert.match(await status(), /hit/);
    await ask(port(), "/-/forget", { method: "POST" });
    const states: string[] = [];
    await until(async () => states.push(await status()) >= TRIES, "enough answers");
    assert.equal(states.filter((state) => !/; ?hit/.test(state)).length, 2, states.join("\n"));
  });

  it("says why it cannot start, once, and ends with 1", async () => {
    await write("broken");
    const { code, err } = await mediatap(["serve", "--workers", "2", "--port", "0"], { cwd: folder.path });
    assert.equal(code, 1);
    assert.equal(err, "mediatap: mediatap.config.mjs: it is broken\n");
  });

  it("does not share its port with another server", async () => {
    await start("--workers", "2");
    const args = ["serve", "--workers", "2", "--host", "127.0.0.1", "--port", String(port())];
    const { code, err } = await mediatap(args, { cwd: folder.path });
    assert.equal(code, 1);
    assert.equal(err, `mediatap: port ${port()} is in use; --port chooses another\n`);
  });

  it("takes the number of its processes from the environment, too, and refuses one that is none", async () => {
    const env = { WORKERS: "2" };
    server = await serving([], { cwd: folder.path, env });
    assert.equal((await processes()).size, 2);
    const wrong = await mediatap(["serve"], { cwd: folder.path, env: { WORKERS: "many" } });
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.err,
      /^mediatap: WORKERS: Expected auto or a number from 1 to 256 but received 'many'\n$/,
    );
    assert.equal((await mediatap(["serve", "--workers", "0"], { cwd: folder.path })).code, 2);
  });
});

for (const workers of ["1", "2"]) {
  describe(`the end of a server of ${workers} process${workers === "1" ? "" : "es"}`, () => {
    setUp();

    it("loses no request of clients that keep their connections", async () => {
      const { kill } = await start("--workers", workers);
      const clients = Array.from({ length: 20 }, () =>
        client(port(), (turn) => `/photo.jpg?tr=w-${10 + (turn % 9)}`, { reconnect: false }),
      );
      await until(() => clients.every(({ statuses }) => statuses.length > 5), "all are served");
      kill("SIGTERM");
      await Promise.all(clients.map(({ ended }) => ended));
      for (const { failures, statuses } of clients) {
        assert.deepEqual(failures, []);
        assert(statuses.every((status) => status === 200));
      }
      assert.equal((await server?.ended)?.code, 0);
      assert.equal(said("stopped").length, Number(workers));
    });

    it("is known at once to who asks whether it is ready, while what runs goes on", async () => {
      const { kill } = await start("--workers", workers);
      const answers = ["a", "b"].map((name) => ask(port(), `/slow/${name}?tr=w-5`));
      await until(() => said("made").length === 2, "both are being made");
      kill("SIGTERM");
      await until(async () => (await ask(port(), "/-/ready")).status === 503, "it is not ready");
      assert.equal((await ask(port(), "/-/live")).status, 200);
      await write("go");
      for (const answer of answers) assert.match((await answer).text, /^made by/);
      assert.equal((await server?.ended)?.code, 0);
    });

    it("comes at its limit although work hangs", async () => {
      await write("mediatap.config.mjs", CONFIG.replace("transforms: 8", "transforms: 8, drain: 100"));
      const { kill } = await start("--workers", workers);
      const answer = ask(port(), "/slow/a?tr=w-5");
      answer.catch(() => {});
      await until(() => said("made").length === 1, "it is being made");
      kill("SIGTERM");
      await assert.rejects(answer);
      assert.equal((await server?.ended)?.code, 0);
    });

    it("comes at once with the second signal", async () => {
      const { kill } = await start("--workers", workers);
      const answer = ask(port(), "/slow/a?tr=w-5");
      answer.catch(() => {});
      await until(() => said("made").length === 1, "it is being made");
      kill("SIGTERM");
      await until(() => mentioned("SIGTERM").length === 1, "it was heard");
      kill("SIGTERM");
      await assert.rejects(answer);
      assert.equal((await server?.ended)?.code, 1);
    });
  });
}
