import assert from "node:assert/strict";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { makeFolder } from "@mediatap/test";
import { ensureFolder } from "../../src/util/ensure-folder.ts";

async function setImmediates(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await setImmediate();
}

describe("ensureFolder", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  before(async () => {
    folder = await makeFolder();
  });
  after(() => folder.close());

  it("makes folders whose common parents several callers make at the same time", async () => {
    for (let round = 0; round < 50; round++) {
      const paths = Array.from({ length: 8 }, (_, at) => join(folder.path, "a/b", String(at)));
      // Each a little later than the one before, so that they meet at different steps.
      const made = paths.map((path, at) => setImmediates(at).then(() => ensureFolder(path)));
      await Promise.all(made);
      for (const path of paths) assert((await stat(path)).isDirectory());
      await rm(join(folder.path, "a"), { recursive: true });
    }
  });

  it("fails where a file is in the way, and where the system refuses a folder", async () => {
    await folder.write("file", "");
    await assert.rejects(ensureFolder(join(folder.path, "file")), { code: "EEXIST" });
    await assert.rejects(ensureFolder(join(folder.path, "file/a")), { code: "ENOTDIR" });
    if (process.platform === "linux") {
      await assert.rejects(ensureFolder("/proc/mediatap/a"), { code: "ENOENT" });
    }
  });
});
