import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { makeFolder } from "@mediatap/test";
import fc from "fast-check";
import { createRecent, isLocal } from "../src/recent.ts";

const nameOf = (key: string) => createHash("sha256").update(key).digest("hex");

describe("cache-disk: entries that were read a short time ago", () => {
  it("are known for half a minute", () => {
    let now = 0;
    const recent = createRecent(() => now);
    const [name, other] = [nameOf("a"), nameOf("b")];
    assert.equal(recent.has(name), false);
    recent.add(name);
    now = 29_999;
    assert.deepEqual([recent.has(name), recent.has(other)], [true, false]);
    now = 30_000;
    assert.equal(recent.has(name), false);
    recent.add(name);
    assert.equal(recent.has(name), true);
    recent.clear();
    assert.equal(recent.has(name), false);
  });

  it("are only those that were added, however many there are", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.boolean()), { minLength: 1 }), (keys) => {
        const recent = createRecent(() => 0);
        const added = new Set<string>();
        for (const [key, isAdded] of keys) {
          if (isAdded) recent.add(nameOf(key));
          if (isAdded) added.add(key);
        }
        for (const [key] of keys) if (recent.has(nameOf(key))) assert(added.has(key), key);
      }),
    );
  });

  it("are on a file system of this machine, also before their folder exists", async () => {
    const folder = await makeFolder();
    assert.equal(await isLocal(`${folder.path}/not/yet`), await isLocal(folder.path));
    // The kernel makes up what is in it, as a server of files would.
    if (process.platform === "linux") assert.equal(await isLocal("/proc"), false);
    await folder.close();
  });
});
