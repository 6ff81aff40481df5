import assert from "node:assert/strict";
import { join } from "node:path";
import type { ContainerClient } from "@azure/storage-blob";
import { ask, makeFolder, makePng, type TestCommand, type TestFolder, testCommand } from "@mediatap/test";
import { ACCOUNT, type Azurite, KEY, sasOf, startAzurite, withAzurite } from "./azurite.ts";

/** The command that people run. */
const BIN = join(import.meta.dirname, "../../../presets/mediatap/bin/mediatap.js");
/** Says of each module of Azure's that is loaded. */
const WATCH = `
import { registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    if (url.includes("/@azure/")) console.error("loaded", url.split("/@azure/")[1]);
    return next(url, context);
  },
});`;

withAzurite(() => {
  describe("a server in front of Azure Blob Storage", () => {
    let azurite: Azurite;
    let container: ContainerClient;
    let folder: TestFolder;
    let command: TestCommand;
    before(async () => {
      azurite = await startAzurite();
      container = await azurite.container();
      const png = makePng(60, 40, () => [200, 30, 30, 255]);
      const blobHTTPHeaders = { blobContentType: "image/png" };
      const put = (name: string, metadata = {}) =>
        container.getBlockBlobClient(name).uploadData(png, { blobHTTPHeaders, metadata });
      await put("originals/a b+é.png");
      await put("originals/private.png", { isprivatefile: "true" });
      folder = await makeFolder({ "watch.mjs": Buffer.from(WATCH) });
      const watch = `--import=${join(folder.path, "watch.mjs")}`;
      const env = { ...process.env, NODE_OPTIONS: watch, AZURE_TOKEN_CREDENTIALS: "prod" };
      command = testCommand({ bin: BIN, cwd: folder.path, env });
    });
    after(async () => {
      await azurite?.close();
      await folder?.close();
    });

    async function write(file: string, origins: Record<string, unknown>): Promise<void> {
      const endpoints = { default: { origins: Object.keys(origins) } };
      const config = { presets: ["mediatap"], origins, endpoints };
      await folder.write(file, Buffer.from(JSON.stringify(config)));
    }
    const blobs = (fields: Record<string, unknown>) => ({
      type: "AZURE_BLOB",
      accountName: ACCOUNT,
      container: container.containerName,
      endpoint: azurite.url,
      prefix: "originals",
      ...fields,
    });

    it("gives transformed pictures and keeps private ones, and its secrets", async () => {
      const sasToken = sasOf(container.containerName, { permissions: "r" });
      await write("good.json", { blobs: blobs({ sasToken }) });
      const log = await command.served("good.json", async (port) => {
        const picture = await ask(port, "/tr:w-30,f-png/a%20b+%C3%A9.png");
        assert.equal(picture.status, 200);
        assert.equal(picture.body.readUInt32BE(16), 30, "the width in a PNG's header");
        assert.equal(picture.body.readUInt32BE(20), 20);
        assert.equal((await ask(port, "/tr:w-30/private.png")).status, 401);
        assert.equal((await ask(port, "/tr:w-30/missing.png")).status, 404);
        // Its name in another form.
        assert.equal((await ask(port, "/tr:w-30/a%20b+e%CC%81.png")).status, 404);
      });
      assert.doesNotMatch(log, /sig=/);
      assert.doesNotMatch(log, /loaded/, "a SAS token needs nothing of Azure's to read");

      const explained = await command.run("explain", "--config", "good.json", "/tr:w-30/a%20b+%C3%A9.png");
      assert.equal(explained.code, 0);
      assert.match(explained.all, /blobs \(AZURE_BLOB, container [\w-]+\): found/);
      const printed = await command.run("config", "--config", "good.json");
      assert.match(printed.all, /sasToken: '\*\*\*'/);
      const fine = await command.run("doctor", "--config", "good.json");
      assert.match(fine.all, /^ok {4}origin blobs .*AZURE_BLOB, responded/m);
      for (const { all } of [explained, printed, fine]) assert.doesNotMatch(all, /sig=|sig%3D/);
    });

    it("answers 404 with EACCES for wrong credentials, which neither answer nor log name", async () => {
      const accountKey = Buffer.alloc(64, 7).toString("base64");
      const sasToken = sasOf(container.containerName, { expires: Date.now() - 60_000 });
      await write("bad.json", {
        key: blobs({ accountKey }),
        ended: blobs({ sasToken }),
        away: blobs({ endpoint: "http://127.0.0.1:1", accountKey: KEY }),
        missing: blobs({ container: "nothing-here", accountKey: KEY }),
      });
      const log = await command.served("bad.json", async (port) => {
        const answer = await ask(port, "/tr:w-30/a.png");
        assert.equal(answer.status, 404);
        assert.match(String(answer.headers["ik-error"]), /EACCES/);
        assert.doesNotMatch(
          `${answer.text}${JSON.stringify(answer.headers)}`,
          /127\.0\.0\.1:1\b|devstore|nothing-here/,
        );
      });
      assert.match(log, /loaded storage-blob/, "the account's key needs Azure's client to sign");
      const printed = await command.run("config", "--config", "bad.json");
      const { code, all } = await command.run("doctor", "--config", "bad.json");
      assert.equal(code, 1);
      assert.match(all, /^BAD {3}origin key .*its account key is wrong/m);
      assert.match(all, /^BAD {3}origin ended .*its SAS token ended on/m);
      assert.match(all, /^BAD {3}origin away .*ECONNREFUSED/m);
      assert.match(all, /^BAD {3}origin missing .*has no container nothing-here/m);
      for (const said of [log, printed.all, all]) {
        assert.doesNotMatch(said, /sig=|sig%3D/);
        assert(!said.includes(accountKey) && !said.includes(KEY));
      }
    });

    it("loads nothing of Azure's where no origin is one", async () => {
      await write("folder.json", { photos: { type: "FOLDER", path: "." } });
      const log = await command.served("folder.json", async (port) => {
        assert.equal((await ask(port, "/missing.png")).status, 404);
      });
      assert.doesNotMatch(log, /loaded/);
    });
  });
});
