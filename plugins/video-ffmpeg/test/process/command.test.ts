import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import type { MediaError } from "@mediatap/core";
import { describeWith, until } from "@mediatap/test";
import { collect, start } from "../../src/process/command.ts";
import { absolute } from "../../src/process/spawn.ts";
import { temp } from "../../src/process/temp.ts";
import { parentOf, programsWith } from "../support/processes.ts";
import { FFMPEG } from "../support/videos.ts";

const program = FFMPEG.path;
const endless = (name: string) => [
  ...["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25"],
  ...["-metadata", `title=${name}`, "-f", "null", "-"],
];
/** A name that no program of another test run has. */
const own = (name: string) => `${name}-${process.pid}`;
const never = new AbortController().signal;

describeWith(FFMPEG, "video-ffmpeg: programs", () => {
  after(() => temp().close());

  it("run without an environment, in their own process group and folder, with low priority and limits", async () => {
    process.env.MEDIATAP_SECRET = "do not tell";
    const { done, kill } = start({ program, args: endless(own("bounded")), signal: never, timeout: 60_000 });
    delete process.env.MEDIATAP_SECRET;
    const pid = await until(() => programsWith(own("bounded"))[0], "it runs");
    await until(() => /^ffmpeg/.test(readFileSync(`/proc/${pid}/comm`, "latin1")), "it has begun");
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
    assert.equal(readFileSync(`/proc/${pid}/environ`, "latin1"), "");
    assert.equal(Number(fields[2]), pid, "leads its group");
    assert.equal(Number(fields[16]), Math.min(19, getPriority() + 10), "steps back");
    const limits = readFileSync(`/proc/${pid}/limits`, "latin1");
    assert.match(limits, /^Max open files\s+64\s/m);
    assert.match(limits, /^Max file size\s+1073741824\s/m);
    assert.match(limits, /^Max cpu time\s+\d+\s/m);
    assert.match(limits, /^Max address space\s+\d+\s/m);
    assert.match(readFileSync(`/proc/${pid}/status`, "latin1"), /^NoNewPrivs:\s+1$/m);
    kill();
    await assert.rejects(done);
    assert.deepEqual(programsWith(own("bounded")), []);
  });

  it("end with their request, and at their timeout", async () => {
    const controller = new AbortController();
    const aborted = start({
      program,
      args: endless(own("left")),
      signal: controller.signal,
      timeout: 60_000,
    });
    await until(() => programsWith(own("left")).length === 1, "it runs");
    controller.abort(new Error("nobody waits"));
    await assert.rejects(aborted.done, /nobody waits/);
    assert.deepEqual(programsWith(own("left")), []);

    const late = start({ program, args: endless(own("late")), signal: never, timeout: 300 });
    await assert.rejects(late.done, { code: "ETIMEDOUT" });
    assert.deepEqual(programsWith(own("late")), []);
  });

  it("are stopped by the system if they exceed its limits", async () => {
    const busy = endless("busy").filter((word) => word !== "-re");
    await assert.rejects(collect({ program, args: busy, signal: never, timeout: 60_000, cpu: 1 }), {
      code: "ETIMEDOUT",
    });
    const path = temp().newPath();
    const large = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360", "-t", "5"];
    const args = [...large, "-f", "rawvideo", path];
    await assert.rejects(collect({ program, args, signal: never, timeout: 60_000, fileBytes: 1e6 }), {
      code: "ELIMIT",
    });
    assert((await stat(path)).size <= 1e6);
  });

  it("report errors in our messages, without paths", async () => {
    const run = (...args: string[]) =>
      collect({ program, args: ["-nostdin", "-v", "error", ...args], signal: never, timeout: 60_000 });
    const picture = ["-f", "lavfi", "-i", "testsrc2=d=0.1"];
    for (const [args, code] of [
      [["-f", "mov", "-i", "file:/etc/hostname", "-f", "null", "-"], "UNIDENTIFIED"],
      [["-f", "mov", "-i", "file:/no/such/file", "-f", "null", "-"], "UNIDENTIFIED"],
      [[...picture, "-map", "0:a", "-f", "null", "-"], "UNIDENTIFIED"],
      [[...picture, "-c:v", "no_such_encoder", "-f", "null", "-"], "EUNSUPPORTED"],
      [[...picture, "-vf", "no_such_filter", "-f", "null", "-"], "EUNSUPPORTED"],
    ] as const) {
      const error = await run(...args).then(
        () => undefined,
        (error: MediaError) => error,
      );
      assert(error, args.join(" "));
      assert.equal(error.code, code, args.join(" "));
      assert.doesNotMatch(error.message, /\//);
      assert.match((error.cause as Error).message, /\S/);
    }
    await assert.rejects(collect({ program: "/no/such", args: [], signal: never, timeout: 1_000 }), {
      name: "MediaError",
    });
  });

  it("leave no files or processes when their server is killed", async () => {
    const module = new URL("../support/killed-server.ts", import.meta.url).pathname;
    for (const leaves of ["ends with it", "is found at the next start"] as const) {
      const title = own(leaves.replaceAll(" ", "-"));
      const node = [...process.execArgv.filter((arg) => arg.includes("conditions")), module, program, title];
      const server = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "inherit"] });
      const [folder] = (await once(server.stdout, "data")).map((data) => String(data).trim());
      assert(folder !== undefined && existsSync(folder));
      assert(folder.startsWith(join(tmpdir(), "mediatap-ffmpeg-")));
      await until(() => programsWith(title).length === 1, "it runs");
      const [pid] = programsWith(title) as [number];
      assert.equal(parentOf(pid), server.pid);
      server.kill("SIGKILL");
      await once(server, "exit");
      if (leaves === "ends with it") await until(() => programsWith(title).length === 0, leaves);
      // Whoever starts next in this folder removes what is left.
      await temp().close();
      temp();
      await until(() => !existsSync(folder), "its folder is removed");
      // It was killed before; the system may take a moment.
      await until(() => programsWith(title).length === 0, "its programs are gone");
    }
  });

  it("have a folder that nobody else may read, removed with its last user", async () => {
    const { folder } = temp();
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await stat(await temp().makeFolder())).mode & 0o777, 0o700);
    await temp().close();
    assert(!(await readdir(tmpdir())).some((name) => join(tmpdir(), name) === folder));
  });

  it("acquire no more space than there is", () => {
    const space = temp();
    space.acquire(600, 1_000);
    assert.throws(() => space.acquire(500, 1_000), { code: "EBUSY" });
    let kept = 300;
    const stop = space.onShortage((bytes) => {
      const given = Math.min(kept, bytes);
      kept -= given;
      space.release(given);
      return given;
    });
    space.acquire(500, 1_000);
    assert.deepEqual([space.acquired, kept], [1_000, 200]);
    stop();
    space.release(space.acquired);
  });

  it("are found as a shell finds them", () => {
    assert.equal(absolute("ffmpeg", { PATH: "/nowhere:/usr/bin" }), program);
    assert.equal(absolute("ffmpeg", { PATH: "" }), undefined);
    assert.equal(absolute("/etc/hostname"), undefined);
  });
});
