import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ask, makeFolder, startOrigin, type TestFolder, until, type WebOrigin } from "@mediatap/test";
import { type Serving, serving } from "../../../core/test/cli/mediatap.ts";

const KEY = "a key that is long enough";
const path = (relative: string) => JSON.stringify(join(import.meta.dirname, relative));

/** A server whose workers receive nothing from each other while there is the file `late`. */
const configOf = (origin: string) => `
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { presetMediatap } from ${path("../../../presets/mediatap/src/index.ts")};
const emit = process.emit;
async function later(args) {
  console.log(JSON.stringify({ msg: "held", pid: process.pid }));
  while (existsSync("late")) await pause(10);
  emit.apply(process, args);
}
process.emit = (...args) => {
  const [name, message] = args;
  if (name !== "message" || message?.text === undefined || !existsSync("late")) return emit.apply(process, args);
  void later(args);
  return true;
};
export default {
  presets: [presetMediatap()],
  plugins: [{ name: "who", version: "1", apiVersion: 1, apply({ hooks }) {
    hooks.respond.tap("who", ({ headers }) => void (headers["x-process"] = process.pid));
  } }],
  origins: { web: { type: "WEB_FOLDER", baseUrl: ${JSON.stringify(origin)} } },
  endpoints: { default: { origins: ["web"] } },
  privateKey: ${JSON.stringify(KEY)},
};
`;

describe("a purge of a server of several workers", () => {
  let origin: WebOrigin;
  let folder: TestFolder;
  let server: Serving;
  before(async () => {
    origin = await startOrigin({ "a.css": Buffer.from("first") });
    folder = await makeFolder({ "package.json": "{}", "mediatap.config.mjs": configOf(origin.url) });
    server = await serving(["--workers", "2"], { cwd: folder.path });
  });
  after(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    await Promise.all([origin?.close(), folder?.close()]);
  });

  /** What each of the two workers answers. Which one gets a connection is not known before. */
  async function texts(): Promise<string[]> {
    const found = new Map<string | undefined, string>();
    await until(async () => {
      // One that has just ended may still have got the connection.
      const answer = await ask(server.port, "/a.css").catch(() => undefined);
      if (answer) found.set(answer.headers["x-process"], answer.text);
      return found.size === 2;
    }, "both answer");
    return [...found.values()].sort();
  }
  const purge = () =>
    ask(server.port, "/-/api/v1/purges", {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` },
      body: JSON.stringify({ source: "a.css" }),
    });

  it("is answered with 201 when all of them serve nothing older", async () => {
    assert.deepEqual(await texts(), ["first", "first"]);
    origin.files.set("a.css", { bytes: Buffer.from("second") });
    await writeFile(join(folder.path, "late"), "");
    let isAnswered = false;
    const purged = purge().finally(() => {
      isAnswered = true;
    });
    await until(() => server.lines.some(({ msg }) => msg === "held"), "the other one is told");
    assert.deepEqual(await texts(), ["first", "second"], "one of them cannot know");
    assert.equal(isAnswered, false);
    await rm(join(folder.path, "late"));
    assert.equal((await purged).status, 201);
    assert.deepEqual(await texts(), ["second", "second"]);
  });

  it("does not wait for one that has ended meanwhile", async () => {
    await writeFile(join(folder.path, "late"), "");
    const held = server.lines.filter(({ msg }) => msg === "held").length;
    const purged = purge();
    await until(
      () => server.lines.filter(({ msg }) => msg === "held").length > held,
      "the other one is told",
    );
    const { pid } = server.lines.filter(({ msg }) => msg === "held").at(-1) as unknown as { pid: number };
    process.kill(pid, "SIGKILL");
    assert.equal((await purged).status, 201);
    await rm(join(folder.path, "late"));
    assert.deepEqual(await texts(), ["second", "second"], "another one has taken its place");
  });
});
