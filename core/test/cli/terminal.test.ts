import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { ask, describeWith, type InTerminal, PYTHON, startInTerminal, until } from "@mediatap/test";
import { folderWith } from "../config/folder.ts";
import { BIN } from "./mediatap.ts";

/** Writes to both outputs all the time, as a program does that does not know that nobody reads it any more. */
const NOISY = `
export default {
  presets: ["@mediatap/preset-imagekit"],
  plugins: [{ name: "noisy", version: "1.0.0", apiVersion: 1, apply({ hooks, logger }) {
    const timer = setInterval(() => {
      logger.info("to the log");
      process.stdout.write("to stdout\\n");
      process.stderr.write("to stderr\\n");
    }, 20);
    hooks.stop.tap("noisy", () => clearInterval(timer));
    hooks.storage.for("NOTHING").tap("noisy", () => ({ open: async () => undefined }));
  } }],
  origins: { nothing: { type: "NOTHING" } },
  endpoints: { default: { origins: ["nothing"] } },
};
`;

/** How a terminal is lost: whether the program gets SIGHUP, and which other signal comes first. */
const WAYS = [
  { name: "SIGHUP", controlling: true, signal: undefined },
  { name: "SIGTERM", controlling: false, signal: "SIGTERM" },
  { name: "no signal", controlling: false, signal: undefined },
] as const;

describeWith(PYTHON, "mediatap serve on a terminal", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  const started: InTerminal[] = [];
  before(async () => {
    folder = await folderWith({ "noisy.mjs": NOISY, "package.json": {} });
  });
  afterEach(() => {
    for (const { pid } of started.splice(0)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {}
    }
  });
  after(() => folder.remove());

  async function start(args: readonly string[], options: Parameters<typeof startInTerminal>[1]) {
    const command = [process.execPath, BIN, "serve", "--port", "0", "--host", "127.0.0.1", ...args];
    const server = await startInTerminal(command, options);
    started.push(server);
    const [, port] = await server.shows(/listens on http:\/\/[^:]+:(\d+)/);
    return { ...server, port: Number(port) };
  }

  for (const stream of ["stdout", "stderr"] as const) {
    for (const { name, controlling, signal } of WAYS) {
      it(`ends when the terminal of its ${stream} is closed: ${name}`, async () => {
        const server = await start(["--config", `${folder.path}/noisy.mjs`], {
          streams: [stream],
          controlling,
        });
        if (signal) process.kill(server.pid, signal);
        server.close();
        assert.equal(await server.ended, 0);
      });
    }
  }

  it("ends with its workers", async () => {
    const server = await start(["--workers", "2", folder.path], {
      streams: ["stdin", "stdout", "stderr"],
      controlling: true,
    });
    server.close();
    assert.equal(await server.ended, 0);
    await assert.rejects(ask(server.port, "/-/live"));
  });

  it("reloads at SIGHUP as long as the terminal is there", async () => {
    const server = await start([folder.path], { streams: ["stdout", "stderr"], controlling: true });
    process.kill(server.pid, "SIGHUP");
    await server.shows(/the configuration was reloaded/);
    assert.equal((await ask(server.port, "/-/live")).status, 200);
  });
});

describe("mediatap serve whose log is not read", () => {
  it("responds all the same, and writes what is left when it is read again", async () => {
    const lines = 400;
    const filler = "a".repeat(2_000);
    const folder = await folderWith({
      "config.mjs": `
        export default {
          presets: ["@mediatap/preset-imagekit"],
          plugins: [{ name: "noisy", version: "1.0.0", apiVersion: 1, apply({ hooks, logger }) {
            hooks.storage.for("NOTHING").tap("noisy", () => ({ open: async (path) => void logger.info({ path }, "${filler}") }));
          } }],
          origins: { nothing: { type: "NOTHING" } },
          endpoints: { default: { origins: ["nothing"] } },
        };`,
      "package.json": {},
    });
    const args = ["serve", "--port", "0", "--host", "127.0.0.1", "--config", `${folder.path}/config.mjs`];
    const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      let out = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out += text;
      });
      await until(() => /listens on http:\/\/[^:]+:\d+/.test(out), "it listens");
      const port = Number(/listens on http:\/\/[^:]+:(\d+)/.exec(out)?.[1]);
      child.stdout.pause();
      // Far more than a pipe takes.
      for (let at = 0; at < lines; at++) assert.equal((await ask(port, `/${at}`)).status, 404);
      child.stdout.resume();
      await until(() => out.includes(`"path":"${lines - 1}"`), "the last line is written");
      const paths = out
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
        .flatMap(({ path }) => (path === undefined ? [] : [Number(path)]));
      assert.deepEqual(
        paths,
        Array.from({ length: lines }, (_, at) => at),
      );
    } finally {
      child.kill("SIGKILL");
      await folder.remove();
    }
  });
});
