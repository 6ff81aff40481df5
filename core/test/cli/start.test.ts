import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ask, freePort } from "@mediatap/test";

const ROOT = join(import.meta.dirname, "../../..");

describe("npm start", () => {
  let npm: ChildProcess | undefined;
  afterEach(() => {
    try {
      process.kill(-(npm?.pid as number), "SIGKILL");
    } catch {}
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`ends the server at ${signal}, as supervisors and containers send it`, async () => {
      const port = await freePort();
      const env = { ...process.env, PORT: String(port), HOST: "127.0.0.1" };
      // A group of its own, so that it can be ended as a whole.
      npm = spawn("npm", ["start"], { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
      const out = (npm.stdout as NonNullable<ChildProcess["stdout"]>).setEncoding("utf8");
      let output = "";
      out.on("data", (text: string) => {
        output += text;
      });
      while (!/listens on/.test(output)) await once(out, "data");
      // The output closes when the last process that has it is gone: npm, the shell and the server.
      const ended = once(out, "close");
      npm.kill(signal);
      await ended;
      assert.match(output, new RegExp(`${signal}: finishing running requests`));
      await assert.rejects(ask(port, "/-/live"));
    });
  }
});
