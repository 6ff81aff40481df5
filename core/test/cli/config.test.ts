import assert from "node:assert/strict";
import { folderWith } from "../config/folder.ts";
import { mediatap } from "./mediatap.ts";

const SECRETS = {
  presets: [["@mediatap/preset-imagekit", { privateKey: "hunter2-preset" }]],
  plugins: ["@mediatap/storage-fs", "@mediatap/storage-web"],
  quality: 70,
  origins: {
    photos: { type: "FOLDER", path: "." },
    site: {
      type: "WEB_FOLDER",
      baseUrl: "https://site.example/media",
      username: "me",
      password: "hunter2-password",
      headers: { "x-api": "hunter2-header" },
    },
  },
  endpoints: {
    default: { origins: ["photos", "site"] },
    keys: { origins: ["photos"], privateKeys: ["hunter2-first", "hunter2-second"], quality: 60 },
  },
};

describe("mediatap config", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  before(async () => {
    folder = await folderWith({ "mediatap.config.json": SECRETS });
  });
  after(() => folder.remove());

  const run = (...args: string[]) => mediatap(["config", ...args], { cwd: folder.path });

  it("prints each value, and where it came from", async () => {
    const { code, out } = await run();
    assert.equal(code, 0);
    for (const line of [
      "# mediatap.config.json",
      "quality: 70",
      "requestFrom: 'imagekit'   # @mediatap/preset-imagekit",
      "autoFormat: true   # default",
      "limits.megapixels: 100   # default",
      "limits.headers: 100   # default",
      "cacheStatusKey: false   # default",
      "server.port: 3000   # default",
      "endpoints.keys.quality: 60",
      "privateKey: '***'   # @mediatap/preset-imagekit",
      "origins.photos.type: 'FOLDER'",
      "endpoints.default.origins: [ 'photos', 'site' ]",
    ]) {
      assert(out.split("\n").includes(line), line);
    }
    assert.match(out, /^plugins: \[ 'url-imagekit@\d/m);
  });

  it("shows no secret, as text or JSON", async () => {
    for (const { out } of [await run(), await run("--json")]) assert.doesNotMatch(out, /hunter2/);
  });

  it("prints JSON for programs", async () => {
    const said = JSON.parse((await run("--json")).out);
    assert.equal(said.source, "mediatap.config.json");
    assert.equal(said.config.endpoints.keys.quality, 60);
    assert.equal(said.config.endpoints.keys.privateKeys, "***");
    assert.equal(said.from.quality, "mediatap.config.json");
    assert.equal(said.from["limits.steps"], "default");
  });

  it("checks what only the server's start would find", async () => {
    await folder.write("wrong.json", {
      ...SECRETS,
      origins: { ...SECRETS.origins, photos: { type: "FOLDRE", path: "." } },
    });
    const { code, err } = await run("--config", "wrong.json");
    assert.equal(code, 1);
    assert.equal(
      err,
      `mediatap: wrong.json: origins.photos.type: no plugin serves 'FOLDRE', did you mean "FOLDER"?\n`,
    );
  });

  it("shows the configuration of a folder", async () => {
    const { code, out } = await run(".");
    assert.equal(code, 0);
    assert.match(out, /^endpoints\.default\.origins: \[ 'folder' \]$/m);
  });

  it("reads TypeScript without a word of warning", async () => {
    await folder.write(
      "typed.ts",
      `const quality: number = 33;\nexport default { ...${JSON.stringify(SECRETS)}, quality };`,
    );
    await folder.write("package.json", {});
    const { code, out, err } = await run("--config", "typed.ts");
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^quality: 33$/m);
  });

  it("takes a configuration out of package.json", async () => {
    await folder.write("package.json", { mediatap: { ...SECRETS, quality: 44 } });
    assert.match((await run("--config", "package.json")).out, /^quality: 44$/m);
  });

  it("runs the commands of plugins", async () => {
    await folder.write(
      "commands.mjs",
      `const hello = { name: "hello", version: "1.0.0", apiVersion: 1, apply({ command }) {
        command((program) => program.command("hello").argument("<who>").action((who) => console.log("hello " + who)));
      } };
      export default { ...${JSON.stringify(SECRETS)}, plugins: ["@mediatap/storage-fs", "@mediatap/storage-web", hello] };`,
    );
    const { code, out, err } = await mediatap(["hello", "there", "--config", "commands.mjs"], {
      cwd: folder.path,
    });
    assert.deepEqual({ code, out, err }, { code: 0, out: "hello there\n", err: "" });
  });

  it("stops the plugins after a command that failed", async () => {
    await folder.write(
      "failing.mjs",
      `const failing = { name: "failing", version: "1.0.0", apiVersion: 1, apply({ command, hooks }) {
        let timer;
        hooks.start.tap("failing", () => { timer = setInterval(() => {}, 1000); });
        hooks.stop.tap("failing", () => { clearInterval(timer); console.log("stopped"); });
        command((program) => program.command("fail").action(() => {
          throw Object.assign(new Error("it failed"), { code: "EFAILED" });
        }));
      } };
      export default { ...${JSON.stringify(SECRETS)}, plugins: ["@mediatap/storage-fs", "@mediatap/storage-web", failing] };`,
    );
    const { code, out, err } = await mediatap(["fail", "--config", "failing.mjs"], { cwd: folder.path });
    assert.deepEqual({ code, out, err }, { code: 1, out: "stopped\n", err: "mediatap: it failed\n" });
  });
});
