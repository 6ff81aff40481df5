import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StateStore } from "@mediatap/core/state";
import { makeFolder, type TestFolder } from "@mediatap/test";
import { pino } from "pino";
import { stateSqlite } from "../src/index.ts";

describe("state-sqlite: faults", () => {
  let folder: TestFolder;
  const stores: StateStore[] = [];
  const file = () => join(folder.path, "state.sqlite");
  const open = (path = file()) => {
    const store = stateSqlite({ path }).stateStore?.open({
      base: folder.path,
      logger: pino({ level: "silent" }),
    });
    assert(store);
    stores.push(store);
    return store;
  };
  const revision = (content: string) => ({ time: 1, author: "test", comment: "", content });
  beforeEach(async () => {
    folder = await makeFolder();
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await folder.close();
  });

  it("keeps what was written when the process is killed at any moment", async () => {
    for (const wanted of [1, 3, 20]) {
      const path = `${file()}-${wanted}`;
      const writer = spawn(
        process.execPath,
        ["--conditions=mediatap:source", join(import.meta.dirname, "writer.ts"), path],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      let printed = "";
      for await (const text of writer.stdout.setEncoding("utf8")) {
        printed += text;
        if (printed.split("\n").length > wanted) writer.kill("SIGKILL");
      }
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, "exit");
      const last = Number(printed.trim().split("\n").at(-1));
      const store = open(path);
      const newest = await store.read();
      assert(newest && newest.number >= last, `${newest?.number} of ${last}`);
      assert.equal(JSON.parse(newest.content).number, newest.number);
      const records = await store.records("written").list();
      assert(records.length >= last);
      assert.equal(JSON.parse(records.at(-1)?.[1] ?? "").number, records.length);
      assert((await store.write(revision("next"), newest.number)) !== undefined);
    }
  });

  it("makes the folders of its file", async () => {
    const store = open(join(folder.path, "one/two/state.sqlite"));
    assert((await store.write(revision("first"), 0)) !== undefined);
  });

  it("refuses changes on a full disk, keeps what is there, and goes on when there is room", async function () {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path], { stdio: "pipe" });
    } catch {
      // Not allowed here.
      this.skip();
    }
    try {
      const store = open();
      await store.write(revision("kept"), 0);
      await store.records("a").put("b", "c");
      const rest = writeFile(join(folder.path, "rest"), Buffer.alloc(1024 * 1024));
      await assert.rejects(rest, { code: "ENOSPC" });
      const large = "x".repeat(500_000);
      await assert.rejects(store.write(revision(large), 1), { code: "ENOSPC" });
      await assert.rejects(store.records("a").put("b", large), { code: "ENOSPC" });
      assert.equal((await store.read())?.content, "kept");
      assert.equal(await store.records("a").get("b"), "c");
      await writeFile(join(folder.path, "rest"), "");
      assert.equal((await store.write(revision("next"), 1))?.number, 2);
    } finally {
      for (const store of stores.splice(0)) await store.close();
      execFileSync("umount", [folder.path]);
    }
  });

  it("does not open a file that is damaged, or that is no database", async () => {
    const store = open();
    for (let at = 0; at < 20; at++) await store.write(revision("x".repeat(10_000)), at);
    await stores.splice(0)[0]?.close();
    const bytes = await readFile(file());
    // All pages after the first one.
    await writeFile(file(), bytes.fill(0xa5, 4096));
    assert.throws(() => open(), { code: "ECONFIG", message: /state\.sqlite is damaged \(/ });
    await writeFile(
      join(folder.path, "text"),
      "No database, but a text that is longer than a header. ".repeat(50),
    );
    assert.throws(() => open("text"), {
      code: "ECONFIG",
      message: /text is damaged \(file is not a database/,
    });
  });

  it("does not open a file that a newer version wrote, or that it must not read", async () => {
    await open().write(revision("new"), 0);
    await stores.splice(0)[0]?.close();
    const database = new DatabaseSync(file());
    database.exec("PRAGMA user_version = 2");
    database.close();
    assert.throws(() => open(), { code: "ECONFIG", message: /was written by a newer version/ });
    assert.throws(() => open("/proc/version/state.sqlite"), { code: "ECONFIG", message: /cannot be opened/ });
  });

  it("lets only its own user read the file", async () => {
    const store = open();
    await store.write(revision("secret"), 0);
    for (const name of ["state.sqlite", "state.sqlite-wal"]) {
      assert.equal((await stat(join(folder.path, name))).mode & 0o777, 0o600);
    }
  });
});
