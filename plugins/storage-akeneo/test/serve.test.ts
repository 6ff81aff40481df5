import assert from "node:assert/strict";
import { join } from "node:path";
import { ask, makeFolder, makePng, type TestCommand, type TestFolder, testCommand } from "@mediatap/test";
import { CREDENTIALS, type Pim, startPim } from "./pim.ts";

/** The command that people run. */
const BIN = join(import.meta.dirname, "../../../presets/mediatap/bin/mediatap.js");

describe("a server in front of a PIM", () => {
  let pim: Pim;
  let folder: TestFolder;
  let command: TestCommand;
  before(async () => {
    pim = await startPim();
    folder = await makeFolder();
    command = testCommand({ bin: BIN, cwd: folder.path });
    const bytes = makePng(60, 40, () => [200, 30, 30, 255]);
    pim.files.set("media-files/1/b/a/1ba_é.png", { bytes, type: "image/png" });
    for (const [file, fields] of [
      ["good.json", {}],
      ["bad.json", { password: "wrong-one" }],
    ] as const) {
      const origins = { pim: { type: "AKENEO_PIM", baseUrl: pim.url, ...CREDENTIALS, ...fields } };
      const config = { presets: ["mediatap"], origins, endpoints: { default: { origins: ["pim"] } } };
      await folder.write(file, JSON.stringify(config));
    }
  });
  after(async () => {
    await pim?.close();
    await folder?.close();
  });

  function isQuiet(said: string): void {
    const { clientId, clientSecret, username, password } = CREDENTIALS;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
    for (const secret of [
      clientSecret,
      password,
      JSON.stringify(password).slice(1, -1),
      basic,
      "wrong-one",
    ]) {
      assert(!said.includes(secret), `${secret} of ${username} is kept`);
    }
    assert.doesNotMatch(said, /Bearer|access_token/);
  }

  it("gives transformed pictures, by one login, and keeps its secrets", async () => {
    const log = await command.served("good.json", async (port) => {
      const asked = [20, 25, 30].map((width) =>
        ask(port, `/tr:w-${width},f-png/media-files/1/b/a/1ba_%C3%A9.png`),
      );
      const widths = (await Promise.all(asked)).map(({ body }) => body.readUInt32BE(16));
      assert.deepEqual(widths, [20, 25, 30], "the widths in a PNG's header");
      assert.equal((await ask(port, "/tr:w-30/media-files/missing.png")).status, 404);
      assert.equal((await ask(port, "/tr:w-30/products/1.png")).status, 404);
    });
    assert.equal(pim.logins(), 1);
    isQuiet(log);
    const printed = await command.run("config", "--config", "good.json");
    assert.match(printed.all, /clientSecret: '\*\*\*'/);
    isQuiet(printed.all);
    const { code, all } = await command.run("doctor", "--config", "good.json");
    assert.equal(code, 0);
    isQuiet(all);
  });

  it("answers 404 with EACCES for wrong credentials; doctor says which", async () => {
    const log = await command.served("bad.json", async (port) => {
      const answer = await ask(port, "/tr:w-30/media-files/a.png");
      assert.equal(answer.status, 404);
      assert.match(String(answer.headers["ik-error"]), /EACCES/);
      const said = `${answer.text}${JSON.stringify(answer.headers)}`;
      assert.doesNotMatch(said, /username|password|127\.0\.0\.1/);
    });
    isQuiet(log);
    const { code, all } = await command.run("doctor", "--config", "bad.json");
    assert.equal(code, 1);
    assert.match(
      all,
      /^BAD {3}origin pim .*EACCES: The origin denies the login: username or password is wrong/m,
    );
    isQuiet(all);
  });
});
