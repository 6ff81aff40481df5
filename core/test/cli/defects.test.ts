import assert from "node:assert/strict";
import { ask, until } from "@mediatap/test";
import { folderWith } from "../config/folder.ts";
import { type Serving, serving } from "./mediatap.ts";

/** A plugin that fails on request, but outside of any hook. */
const plugin = (name: string) => `
const fail = { throw: () => { throw new Error("timer"); }, reject: () => { Promise.reject(new Error("promise")); }, odd: () => { throw "text"; } };
export default () => ({ name: "${name}", version: "1.0.0", apiVersion: 1, apply({ hooks, route }) {
  hooks.storage.for("NOTHING").tap("${name}", () => ({ open: async () => undefined }));
  for (const [way, work] of Object.entries(fail)) {
    route("POST", "/-/${name}-" + way, () => { setTimeout(work, 1); return { body: "soon" }; });
  }
} });
`;
const config = (plugins: string) => `
${plugins}
export default {
  presets: ["@mediatap/preset-imagekit"],
  plugins: [plugin],
  origins: { nothing: { type: "NOTHING" } },
  endpoints: { default: { origins: ["nothing"] } },
};
`;

describe("an error outside of all hooks", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  let server: Serving | undefined;
  before(async () => {
    folder = await folderWith({
      "package.json": {},
      "node_modules/mediatap-late/package.json": { name: "mediatap-late", type: "module", main: "index.js" },
      "node_modules/mediatap-late/index.js": plugin("late"),
      "own.js": plugin("own"),
      "late.mjs": config(`const plugin = "mediatap-late";`),
      "own.mjs": config(`const plugin = "./own.js";`),
    });
  });
  afterEach(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    server = undefined;
  });
  after(() => folder.remove());

  const fails = async (file: string, path: string, ...args: string[]) => {
    server = await serving(["--config", file, ...args], { cwd: folder.path });
    assert.equal((await ask(server.port, path, { method: "POST" })).status, 200);
    await until(() => server?.lines.some(({ level }) => level === 60), "it is logged");
    const line = server.lines.find(({ level }) => level === 60);
    return { server, line: line as { msg: string; err: { stack?: string } } & Record<string, unknown> };
  };

  it("in a timer ends the process as failed, and names plugin, package, place and stack", async () => {
    const { server, line } = await fails("late.mjs", "/-/late-throw");
    assert.equal(line.msg, "uncaught exception, in the plugin 'late'");
    assert.equal(line.plugin, "late");
    assert.equal(line.package, "mediatap-late");
    assert.match(String(line.at), /node_modules\/mediatap-late\/index\.js:2$/);
    assert.match(line.err.stack ?? "", /Error: timer\n +at /);
    assert.equal((await server.ended).code, 1);
  });

  it("in a promise is reported in the same way", async () => {
    const { server, line } = await fails("late.mjs", "/-/late-reject");
    assert.equal(line.msg, "unhandled promise rejection, in the plugin 'late'");
    assert.equal((await server.ended).code, 1);
  });

  it("of a file that is in no package is reported with the file", async () => {
    const { line } = await fails("own.mjs", "/-/own-throw");
    assert.match(line.msg, /^uncaught exception, in \/.*\/own\.js:2$/);
    assert.equal(line.plugin, undefined);
  });

  it("that is none is reported, too", async () => {
    const { server, line } = await fails("late.mjs", "/-/late-odd");
    assert.equal(line.msg, "uncaught exception");
    assert.equal((await server.ended).code, 1);
  });

  it("ends one worker, and the others go on", async () => {
    const { server, line } = await fails("late.mjs", "/-/late-throw", "--workers", "2");
    assert.equal(line.plugin, "late");
    for (let i = 0; i < 20; i++) assert.equal((await ask(server.port, "/-/live")).status, 200);
    await until(
      () => server.lines.some(({ msg }) => /another one takes its place/.test(String(msg))),
      "it is replaced",
    );
  });
});
