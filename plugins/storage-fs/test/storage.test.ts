import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { codeOf } from "@mediatap/core";
import { describeStorage } from "@mediatap/test";
import { folderStorage } from "../src/index.ts";

const open = { signal: new AbortController().signal };

describeStorage("storage-fs", { conditional: true, size: true, write: true }, async () => {
  const root = await mkdtemp(join(tmpdir(), "storage-fs-"));
  return {
    storage: folderStorage(root),
    async put(path, bytes) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), bytes);
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
});

describe("storage-fs: what lies outside the folder", () => {
  let parent: string;
  let root: string;

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "storage-fs-"));
    root = join(parent, "public");
    await mkdir(join(root, "inner"), { recursive: true });
    await mkdir(join(parent, "public123"));
    await writeFile(join(parent, "public123", "secret.txt"), "secret");
    await writeFile(join(root, "inner", "here.txt"), "here");
    await symlink(join(parent, "public123", "secret.txt"), join(root, "out.txt"));
    await symlink(join(parent, "public123"), join(root, "away"));
    await symlink(join(root, "inner", "here.txt"), join(root, "alias.txt"));
    await symlink(join(root, "loop-a"), join(root, "loop-b"));
    await symlink(join(root, "loop-b"), join(root, "loop-a"));
    execFileSync("mkfifo", [join(root, "pipe.jpg")]);
  });
  after(() => rm(parent, { recursive: true, force: true }));

  for (const path of [
    "out.txt",
    "away/secret.txt",
    "../public123/secret.txt",
    "inner",
    "loop-a",
    "pipe.jpg",
  ]) {
    it(`does not find ${path}`, async () => {
      assert.equal(await folderStorage(root).open(path, open), undefined);
    });
  }

  it("follows a link that stays inside", async () => {
    const entry = await folderStorage(root).open("alias.txt", open);
    assert.ok(entry && typeof entry !== "symbol");
    assert.equal(entry.size, 4);
  });

  it("takes names that no file system takes for missing files", async () => {
    const storage = folderStorage(root);
    assert.equal(await storage.open("x".repeat(5000), open), undefined);
    assert.equal(await storage.open("inner/here.txt/more", open), undefined);
  });

  it("finds nothing in a folder that does not exist, and finds files once it does", async () => {
    const late = join(parent, "late");
    const storage = folderStorage(late);
    assert.equal(await storage.open("a.txt", open), undefined);
    await mkdir(late);
    await writeFile(join(late, "a.txt"), "a");
    assert.ok(await storage.open("a.txt", open));
  });

  it("refuses to read when nobody wants the answer any more", async () => {
    await assert.rejects(
      folderStorage(root).open("inner/here.txt", { signal: AbortSignal.abort() }),
      (error) => codeOf(error) !== "UNIDENTIFIED",
    );
  });
});
