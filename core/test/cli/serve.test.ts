import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { answers, ask, freePort, startProgram, until } from "@mediatap/test";
import { folderWith } from "../config/folder.ts";
import { BIN, mediatap, type Serving, serving } from "./mediatap.ts";

const PICTURE = join(import.meta.dirname, "../../../examples/start/media/logo.png");

/** A storage whose files wait until a file `go` is in the folder, beside the usual plugins. */
const SLOW = `
import { existsSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
const slow = { name: "storage-slow", version: "1.0.0", apiVersion: 1, apply({ hooks }) {
  hooks.storage.for("SLOW").tap("storage-slow", () => ({
    open: async () => {
      console.log(JSON.stringify({ msg: "opened" }));
      while (!existsSync("go")) await setTimeout(10);
      return { size: 4, body: () => Readable.from([Buffer.from("slow")]) };
    },
  }));
  hooks.stop.tapPromise("storage-slow", async () => console.log(JSON.stringify({ msg: "stopped" })));
} };
export default {
  presets: ["@mediatap/preset-imagekit"],
  plugins: [slow],
  origins: { slow: { type: "SLOW" } },
  endpoints: { default: { origins: ["slow"] } },
};
`;

/** Nice values of a process's threads, by their names (proc_pid_stat(5)). */
async function threadsOf(pid: number): Promise<Map<string, number[]>> {
  const threads = new Map<string, number[]>();
  for (const id of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${id}/stat`, "utf8").catch(() => "");
    const [, name = "", rest = ""] = /\((.*)\) (.*)/.exec(stat) ?? [];
    threads.set(name, [...(threads.get(name) ?? []), Number(rest.split(" ")[16])]);
  }
  return threads;
}

describe("mediatap serve", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  let server: Serving | undefined;
  before(async () => {
    folder = await folderWith({
      "photos/logo.png": await readFile(PICTURE),
      "slow.mjs": SLOW,
      "package.json": {},
    });
  });
  afterEach(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    server = undefined;
    await folder.remove("go");
  });
  after(() => folder.remove());

  const start = async (...args: string[]) => {
    server = await serving(args, { cwd: folder.path });
    return server;
  };

  const logged = (server: Serving, text: string) =>
    until(() => server.lines.some(({ msg }) => String(msg).includes(text)), `it logs "${text}"`);

  it("serves a folder without any configuration", async () => {
    const { port } = await start("./photos");
    const answer = await ask(port, "/tr:w-50/logo.png", { headers: { accept: "image/webp" } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "image/webp");
    assert.equal((await ask(port, "/tr:w-50/none.png")).status, 404);
  });

  it("shows what is in the folder at /, unless it runs in production", async () => {
    const listed = async (port: number) => await ask(port, "/-/start/folder?url=/");
    const { port } = await start("./photos");
    assert.match((await ask(port, "/")).text, /<title>Mediatap<\/title>/);
    assert.match((await listed(port)).text, /"name":"logo\.png","kind":"image","url":"\/logo\.png"/);
    assert.equal((await ask(port, "/-/console/data/live")).status, 200);
    server?.kill("SIGKILL");
    await server?.ended;
    server = await serving(["./photos"], { cwd: folder.path, env: { NODE_ENV: "production" } });
    for (const path of ["/-/start/folder?url=/", "/-/console"])
      assert.equal((await ask(server.port, path)).status, 404);
    assert.doesNotMatch((await ask(server.port, "/")).text, /logo/);
    assert.equal((await ask(server.port, "/tr:w-50/logo.png")).status, 200);
  });

  it("serves when its log cannot be written", async function () {
    if (process.platform !== "linux") this.skip();
    const port = await freePort();
    const args = [process.execPath, BIN, "serve", "./photos", "--host", "127.0.0.1", "--port", String(port)];
    const command = `cd '${folder.path}' && exec ${args.map((arg) => `'${arg}'`).join(" ")} >/dev/full`;
    const program = await startProgram("/bin/sh", ["-c", command], () =>
      answers(`http://127.0.0.1:${port}/-/ready`),
    );
    try {
      program.signal("SIGHUP");
      for (let width = 40; width < 45; width++) {
        assert.equal((await ask(port, `/tr:w-${width}/logo.png`)).status, 200);
      }
    } finally {
      await program.stop();
    }
  });

  it("lowers the priority of the threads that render", async function () {
    if (process.platform !== "linux") this.skip();
    const { port, pid } = await start("./photos");
    assert.equal((await ask(port, "/tr:w-60/logo.png")).status, 200);
    const threads = await threadsOf(pid);
    const main = threads.get("MainThread")?.[0] ?? Number.NaN;
    const behind = [...(threads.get("libuv-worker") ?? []), ...(threads.get("libvips worker") ?? [])];
    assert(behind.length >= 3);
    assert.deepEqual(new Set(behind), new Set([Math.min(19, main + 3)]));
  });

  it("serves a folder with an odd name", async () => {
    await folder.write("%41 ü/a.txt", "odd");
    const { port } = await start("./%41 ü");
    assert.equal((await ask(port, "/a.txt")).text, "odd");
  });

  it("takes PORT and HOST from the environment, which flags overrule", async () => {
    const env = { PORT: "1", HOST: "192.0.2.1" };
    server = await serving(["./photos"], { cwd: folder.path, env });
    assert.equal((await ask(server.port, "/-/ready")).status, 200);
    const { err } = await mediatap(["serve", "./photos"], { cwd: folder.path, env: { ...env, PORT: "0" } });
    assert.match(err, /no address 192\.0\.2\.1/);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`lets what runs end at ${signal}, stops the plugins and ends with 0`, async () => {
      const server = await start("--config", "slow.mjs");
      const { port, kill, ended } = server;
      const asked = ask(port, "/file.txt");
      await logged(server, "opened");
      kill(signal);
      await logged(server, "finishing running requests");
      await folder.write("go", "");
      const answer = await asked;
      assert.equal(answer.status, 200);
      assert.equal(answer.text, "slow");
      const { code, out } = await ended;
      assert.equal(code, 0);
      assert.match(out, /"msg":"stopped"/);
    });
  }

  it("is not ready while it drains, and is gone then", async () => {
    const server = await start("--config", "slow.mjs");
    const { port, kill, ended } = server;
    const asked = ask(port, "/file.txt");
    await logged(server, "opened");
    kill("SIGTERM");
    await until(async () => (await ask(port, "/-/ready")).status === 503, "it is not ready");
    assert.equal((await ask(port, "/-/live")).status, 200);
    await folder.write("go", "");
    assert.equal((await asked).text, "slow");
    assert.equal((await ended).code, 0);
    await assert.rejects(ask(port, "/-/live"), { code: "ECONNREFUSED" });
  });

  it("ends at once at a second signal", async () => {
    const server = await start("--config", "slow.mjs");
    const { port, kill, ended } = server;
    // A request that never ends would hold the server for the whole drain.
    const open = connect(port, "127.0.0.1");
    await once(open, "connect");
    open.on("error", () => {}).write("GET /file.txt HTTP/1.1\r\nHost: a\r\n");
    // An answer to a later connection: the earlier one has reached the server.
    assert.equal((await ask(port, "/-/ready")).status, 200);
    kill("SIGTERM");
    await logged(server, "finishing running requests");
    kill("SIGTERM");
    assert.equal((await ended).code, 1);
    open.destroy();
  });
});
