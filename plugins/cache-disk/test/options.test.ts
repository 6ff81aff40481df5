import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Diagnosis, MediaError } from "@mediatap/core";
import { createServer, loadConfig } from "@mediatap/core/server";
import { hostCache, jobLanguage, makeFolder, memoryStorage, type TestFolder } from "@mediatap/test";
import { type CacheDiskOptions, cacheDisk } from "../src/index.ts";
import { newEntry } from "./place.ts";

describe("cacheDisk", () => {
  let folder: TestFolder;
  beforeEach(async () => {
    folder = await makeFolder();
  });
  afterEach(() => folder.close());

  for (const [options, message] of [
    [{}, "cache-disk.path: Expected string but it is missing"],
    [{ path: "" }, "cache-disk.path: Expected text that is not empty but received ''"],
    [{ path: "a", maxByte: 5 }, 'cache-disk.maxByte: unknown field, did you mean "maxBytes"?'],
    [
      { path: "a", maxBytes: "1GB" },
      "cache-disk.maxBytes: Expected number but received '1GB': sizes are in bytes, write 1000000000",
    ],
    [{ path: "a", timeout: 0 }, "cache-disk.timeout: Expected number of more than 0 but received 0"],
  ] as const) {
    it(`refuses what it does not understand: ${message}`, () => {
      assert.throws(() => cacheDisk(options as never), new MediaError("ECONFIG", message));
    });
  }

  async function runtimeOf(options: CacheDiskOptions) {
    const config = await loadConfig(
      {
        plugins: [jobLanguage(), memoryStorage(new Map()), cacheDisk(options)],
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"] } },
        log: { level: "silent" },
      },
      { source: "test", base: folder.path },
    );
    const server = await createServer({ config });
    await server.runtime.start();
    return server;
  }

  async function diagnosed(options: CacheDiskOptions) {
    const findings: Parameters<Diagnosis["add"]>[0][] = [];
    const server = await runtimeOf(options);
    await server.runtime.hooks.diagnose.promise({ add: (finding) => findings.push(finding) });
    await server.close();
    return findings;
  }

  it("begins a relative path at the folder of the configuration", async () => {
    const server = await runtimeOf({ path: "here/cache" });
    const { record } = newEntry("a.jpg");
    await server.runtime.cache.store(record, undefined);
    await server.close();
    assert.deepEqual(await readdir(join(folder.path, "here/cache")), ["v2"]);
  });

  it("writes nothing before there is something to keep", async () => {
    const host = await hostCache(cacheDisk({ path: join(folder.path, "cache") }));
    await host.find("x");
    await host.close();
    assert.deepEqual(await readdir(folder.path), []);
  });

  it("tells the doctor whether the folder can be used, and is large enough", async () => {
    const [good] = await diagnosed({ path: "cache", maxBytes: 1000 });
    assert.equal(good?.state, "good");
    assert.deepEqual(await readdir(join(folder.path, "cache")), []);
    const [small] = await diagnosed({ path: "cache", maxBytes: Number.MAX_SAFE_INTEGER });
    assert.equal(small?.state, "poor");
    await writeFile(join(folder.path, "file"), "");
    const [bad] = await diagnosed({ path: "file" });
    assert.equal(bad?.state, "bad");
    assert(bad.advice && /EEXIST|ENOTDIR/.test(bad.text), bad.text);
  });
});
