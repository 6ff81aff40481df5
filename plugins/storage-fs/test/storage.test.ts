import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { codeOf } from "@mediatap/core";
import type { FolderPage, ListFolderOptions, Storage } from "@mediatap/core/storage";
import { describeStorage } from "@mediatap/test";
import { folderStorage } from "../src/index.ts";

const open = { signal: new AbortController().signal };

describeStorage(
  "storage-fs",
  {
    conditional: true,
    size: true,
    write: true,
    newNames: true,
    exclusiveNames: true,
    listFolder: true,
    folders: true,
  },
  async () => {
    const root = await mkdtemp(join(tmpdir(), "storage-fs-"));
    return {
      storage: folderStorage(root),
      async put(path, bytes) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), bytes);
      },
      close: () => rm(root, { recursive: true, force: true }),
    };
  },
);

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

  it("reads files of 1970 and before, as archives and images of containers have them", async () => {
    const storage = folderStorage(root);
    for (const seconds of [0, -1]) {
      const time = new Date(seconds * 1000);
      await utimes(join(root, "inner", "here.txt"), time, time);
      const entry = await storage.open("inner/here.txt", open);
      assert.ok(entry && typeof entry !== "symbol");
      assert.equal(entry.lastModified, seconds * 1000);
    }
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

describe("storage-fs: folders that are links", () => {
  let parent: string;
  let root: string;
  let storage: Storage;

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "storage-fs-"));
    root = join(parent, "root");
    await mkdir(join(parent, "real", "keep", "deep"), { recursive: true });
    await mkdir(join(parent, "outside"));
    await writeFile(join(parent, "real", "keep", "a.txt"), "a");
    await mkdir(join(parent, "real", "in"));
    await symlink("real", root);
    await symlink("../keep", join(root, "in", "link"));
    await symlink("..", join(root, "in", "loop"));
    await symlink("nowhere", join(root, "in", "dangling"));
    await symlink(join(parent, "outside"), join(root, "in", "out"));
    storage = folderStorage(root);
  });
  after(() => rm(parent, { recursive: true, force: true }));

  const state = async () => (await readdir(parent, { recursive: true })).sort();

  for (const link of ["in/link", "in/loop/keep", "in/loop/in/link", "in/dangling", "in/out"]) {
    it(`are not changed through: ${link}`, async () => {
      const before = await state();
      const changes: readonly (() => Promise<void> | undefined)[] = [
        () => storage.write?.(`${link}/a.txt`, Buffer.from("b"), {}),
        () => storage.write?.(`${link}/new/b.txt`, Buffer.from("b"), {}),
        () => storage.remove?.(`${link}/a.txt`),
        () => storage.createFolder?.(`${link}/new`),
        () => storage.removeFolder?.(`${link}/deep`),
      ];
      for (const change of changes) {
        await assert.rejects(async () => change(), { code: "EFORBIDDEN", message: /symbolic link/ });
      }
      assert.deepEqual(await state(), before);
      assert.equal(await readFile(join(root, "keep", "a.txt"), "utf8"), "a");
    });
  }

  it("are read through, and listed as links", async () => {
    assert.ok(await storage.open("in/link/a.txt", open));
    assert.deepEqual((await storage.listFolder?.("in", open))?.entries, [
      { name: "link", kind: "folder", isLink: true },
      { name: "loop", kind: "folder", isLink: true },
    ]);
    assert.deepEqual((await storage.listFolder?.("keep", open))?.entries[0], {
      name: "deep",
      kind: "folder",
    });
  });

  it("are removed themselves", async () => {
    await storage.removeFolder?.("in/loop");
    assert.deepEqual((await readdir(join(root, "in"))).sort(), ["dangling", "link", "out"]);
    await storage.removeFolder?.("in");
    assert.deepEqual((await readdir(join(root, "keep"))).sort(), ["a.txt", "deep"]);
    assert.deepEqual(await readdir(root), ["keep"]);
  });
});

describe("storage-fs: the listing of a folder", () => {
  let parent: string;
  let root: string;
  let storage: Storage;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "storage-fs-"));
    root = join(parent, "public");
    await mkdir(root);
    storage = folderStorage(root);
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  const pageOf = async (folder = "", options: Partial<ListFolderOptions> = {}) =>
    (await storage.listFolder?.(folder, { ...open, ...options })) ?? assert.fail("it lists folders");
  const names = ({ entries }: FolderPage) =>
    entries.map(({ name, kind }) => (kind === "folder" ? `${name}/` : name));

  it("has folders first, and numbers as people count", async () => {
    for (const name of ["10.jpg", "9.jpg", "a.jpg", "B.jpg", "c.jpg"])
      await writeFile(join(root, name), name);
    for (const name of ["2026", "z"]) await mkdir(join(root, name));
    assert.deepEqual(names(await pageOf()), ["2026/", "z/", "9.jpg", "10.jpg", "a.jpg", "B.jpg", "c.jpg"]);
    const [, , nine] = (await pageOf()).entries;
    assert.deepEqual([nine?.size, nine?.private], [5, false]);
  });

  it("leaves out links that lead out of the folder or nowhere, pipes, and unfinished files", async () => {
    await mkdir(join(parent, "outside"));
    await writeFile(join(parent, "outside", "secret.txt"), "secret");
    await mkdir(join(root, "inner"));
    await writeFile(join(root, "inner", "here.txt"), "here");
    await symlink("../outside", join(root, "out"));
    await symlink("../outside/secret.txt", join(root, "secret.txt"));
    await symlink("nowhere", join(root, "dangling"));
    await symlink(".", join(root, "loop"));
    await symlink("inner/here.txt", join(root, "link.txt"));
    await symlink("inner", join(root, "way"));
    await writeFile(join(root, ".mediatap-7c1e.tmp"), "under way");
    execFileSync("mkfifo", [join(root, "pipe")]);
    assert.deepEqual(names(await pageOf()), ["inner/", "link.txt", "loop/", "way/"]);
    assert.deepEqual(names(await pageOf("way")), ["here.txt"]);
    assert.deepEqual(names(await pageOf("out")), []);
    for (const path of ["link.txt", "way/here.txt"]) assert.ok(await storage.open(path, open), path);
  });

  it("goes through a large folder page by page", async () => {
    const count = 3000;
    for (let at = 0; at < count; at++) await writeFile(join(root, `${at}.txt`), "");
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await pageOf("", { limit: 900, ...(cursor !== undefined && { cursor }) });
      found.push(...names(page));
      cursor = page.next;
    } while (cursor !== undefined && found.length < 2 * count);
    assert.deepEqual(
      found,
      Array.from({ length: count }, (_, at) => `${at}.txt`),
    );
  });

  it("continues after an entry that was removed, with entries that are new", async () => {
    for (const name of ["a", "b", "d", "e"]) await writeFile(join(root, name), name);
    const { next } = await pageOf("", { limit: 2 });
    assert.ok(next);
    await rm(join(root, "b"));
    await writeFile(join(root, "c"), "c");
    assert.deepEqual(names(await pageOf("", { cursor: next })), ["c", "d", "e"]);
  });

  it("refuses a cursor that is none", async () => {
    for (const cursor of ["", "!", "x", Buffer.from("f../a").toString("base64url")])
      await assert.rejects(pageOf("", { cursor }), { code: "EINVAL" }, cursor);
  });

  it("distinguishes a missing folder from an empty one", async () => {
    assert.deepEqual(await pageOf(), { entries: [] });
    await rm(root, { recursive: true });
    await assert.rejects(pageOf(), { code: "EACCES" });
  });
});
