import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderStorage } from "../src/index.ts";

describe("storage-fs: what doctor says of a folder", () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "storage-fs-"));
    await writeFile(join(root, "file"), "file");
  });
  after(() => rm(root, { recursive: true, force: true }));

  const check = async (path: string) => folderStorage(path).check?.(new AbortController().signal);

  /** Root may read everything: the process is somebody else for as long as it asks. */
  async function checkAsNobody(): Promise<void> {
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.("nobody");
    try {
      await check(root);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  }

  it("finds nothing wrong with one that can be read", async () => {
    await check(root);
    await chmod(root, 0o755);
    await checkAsNobody();
  });

  it("names one that is missing, and what to do", async () => {
    const path = join(root, "missing");
    await assert.rejects(check(path), {
      message: `there is no folder ${path}; make it, mount it, or correct the path`,
    });
  });

  it("tells a file from a folder", async () => {
    const path = join(root, "file");
    await assert.rejects(check(path), { message: `${path} is a file; name the folder that it lies in` });
    await assert.rejects(check(join(path, "below")), /^Error: a part of the path .* is a file; correct/);
  });

  for (const [right, mode] of [
    ["read", 0o311],
    ["enter", 0o644],
  ] as const) {
    it(`tells that the right to ${right} it is missing`, async () => {
      await chmod(root, mode);
      try {
        await assert.rejects(
          checkAsNobody(),
          /may not read the folder .*; give it the rights to read and to/,
        );
      } finally {
        await chmod(root, 0o755);
      }
    });
  }
});
