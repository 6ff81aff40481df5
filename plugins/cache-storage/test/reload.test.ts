import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { loadConfig } from "@mediatap/core/server";
import { folderStorage } from "@mediatap/storage-fs";
import {
  echoEngine,
  jobLanguage,
  MEMORY_ENDPOINT,
  makeFolder,
  memoryStorage,
  startServer,
  until,
} from "@mediatap/test";
import { cacheStorage } from "../src/index.ts";
import { TIMEOUT_MS } from "./places.ts";

describe("cache-storage: another configuration", () => {
  /** Storages that work as long as the configuration that they were opened for. */
  function endingStorage(): Plugin {
    return {
      name: "ending-storage",
      version: "1",
      apiVersion: 1,
      apply({ hooks }) {
        let isStopped = false;
        hooks.storage.for("ENDING").tap("ending-storage", ({ options }) => {
          const folder = folderStorage(String(options.path));
          const { open, write, remove, list } = folder;
          const whileItRuns = <A extends unknown[], R>(work: ((...args: A) => R) | undefined) => {
            return (...args: A): R => {
              assert(work && !isStopped);
              return work(...args);
            };
          };
          return {
            ...folder,
            ...{ open: whileItRuns(open), write: whileItRuns(write) },
            ...{ remove: whileItRuns(remove), list: whileItRuns(list) },
          };
        });
        hooks.stop.tap("ending-storage", () => {
          isStopped = true;
        });
      },
    };
  }

  it("uses its own storage, whether it is the same place or another one", async () => {
    const [one, other] = [await makeFolder(), await makeFolder()];
    const configOf = (path: string): MediatapConfig => ({
      plugins: [
        jobLanguage(),
        memoryStorage(Buffer.from("bytes")),
        echoEngine(),
        endingStorage(),
        cacheStorage({ origin: "renditions", timeout: TIMEOUT_MS }),
      ],
      origins: { ...MEMORY_ENDPOINT.origins, renditions: { type: "ENDING", path } },
      endpoints: MEMORY_ENDPOINT.endpoints,
    });
    const stored = async (folder: { path: string }) =>
      (await readdir(folder.path, { recursive: true })).filter((name) => name.endsWith(".json")).length;
    const server = await startServer(configOf(one.path));
    try {
      const reload = async (path: string) => {
        const before = server.server.runtime;
        const config = { ...configOf(path), log: { level: "silent" as const } };
        await server.server.reload(await loadConfig(config, { source: "test", base: process.cwd() }));
        await before.stop();
      };
      const ask = async (path: string) => (await server.ask(path)).headers["cache-status"];
      await ask("/a.png");
      await until(async () => (await stored(one)) === 1, "it is stored");
      await reload(one.path);
      assert.match((await ask("/a.png")) ?? "", /; hit/);
      await ask("/b.png");
      await until(async () => (await stored(one)) === 2, "the second one is stored, too");
      await reload(other.path);
      assert.doesNotMatch((await ask("/a.png")) ?? "", /; hit/);
      await until(async () => (await stored(other)) === 1, "it is stored in the other place");
      assert.equal(await stored(one), 2);
    } finally {
      await server.close();
      await Promise.all([one.close(), other.close()]);
    }
  });
});
