import assert from "node:assert/strict";
import { makeFolder, makePng, type TestFolder } from "@mediatap/test";
import { mediatap } from "../../../core/test/cli/mediatap.ts";

describe("mediatap info", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({
      "photos/b.png": makePng(30, 20, () => [200, 30, 40, 255]),
      "photos/a.png": makePng(10, 40, () => [9, 9, 9, 128]),
      "photos/deep/ik-tr:w-1,ü & co.png": makePng(5, 5, () => [9, 9, 9, 255]),
      "photos/notes.txt": "text",
      "photos/script.ts": "export {};",
      "broken/good.png": makePng(8, 8, () => [9, 9, 9, 255]),
      "broken/bad.png": "this is no picture",
      "broken/worse.jpg": "",
      "empty/notes.txt": "text",
      // It is no configuration of the command's.
      "mediatap.config.json": '{ "plugins": ["@mediatap/nothing"] }',
    });
  });
  after(() => folder?.close());
  const run = (...args: string[]) => mediatap(["info", ...args], { cwd: folder.path });

  it("writes a manifest of a folder, in the order of paths, and progress to standard error", async () => {
    const { code, out, err } = await run("photos");
    assert.deepEqual([code, err.split("\n").at(-2)], [0, "3 of 3 files"], err);
    const manifest = JSON.parse(out);
    assert.deepEqual(Object.keys(manifest), ["a.png", "b.png", "deep/ik-tr:w-1,ü & co.png"]);
    const { width, height, alpha, type } = manifest["a.png"];
    assert.deepEqual([width, height, alpha, type], [10, 40, true, "image/png"]);
  });

  it("describes the fields that are named", async () => {
    const { code, out } = await run("photos", "--fields", "height,width,colors");
    assert.equal(code, 0);
    const colors = [{ color: "#c81e28", share: 1 }];
    assert.deepEqual(JSON.parse(out)["b.png"], { width: 30, height: 20, colors });
    const { code: refused, err } = await run("photos", "--fields", "width,colour");
    assert.equal(refused, 1);
    assert.match(err, /^mediatap: Expected some of type, .* for fields but received 'colour'\n$/);
  });

  it("names files that cannot be read, writes the others, and ends with 1", async () => {
    const { code, out, err } = await run("broken", "--fields", "width");
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(out), { "good.png": { width: 8 } });
    assert.match(err, /^bad\.png: UNIDENTIFIED .+$/m);
    assert.match(err, /^worse\.jpg: UNIDENTIFIED .+$/m);
    assert.match(err, /^3 of 3 files, 2 failed\nmediatap: 2 of 3 files could not be described\n$/m);
  });

  it("writes an empty manifest of a folder without media, and refuses a missing one", async () => {
    const empty = await run("empty");
    assert.deepEqual([empty.code, JSON.parse(empty.out)], [0, {}]);
    const none = await run("nowhere");
    assert.deepEqual([none.code, none.out, none.err], [1, "", "mediatap: nowhere: no such folder\n"]);
  });

  it("is in the help, with and without a configuration", async () => {
    for (const cwd of [folder.path, `${folder.path}/empty`]) {
      const { code, out } = await mediatap(["--help"], { cwd });
      assert.equal(code, 0);
      assert.match(out, /^ {2}info .*describe the images and videos of a folder as JSON/m);
    }
  });
});
