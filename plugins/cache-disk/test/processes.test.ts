import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { until } from "@mediatap/test";
import { assertBody, parseHead } from "../src/format.ts";
import { makePlace, type Place } from "./place.ts";

const ROUNDS = 6;
const PROGRAM = join(import.meta.dirname, "worker.ts");

describe("cache-disk: processes that are killed, and such that share a folder", () => {
  let place: Place;
  let children: ChildProcess[];
  beforeEach(async () => {
    place = await makePlace();
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    await place.close();
  });

  /** A process whose complaints are kept. */
  function start(seed: number, maxBytes = 100_000_000, purges = "") {
    const child = fork(PROGRAM, [place.path, String(seed), String(maxBytes), purges], {
      execArgv: ["--conditions=mediatap:source"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let complaint = "";
    child.stderr?.on("data", (text: Buffer) => {
      complaint += text.toString();
    });
    children.push(child);
    const stored: { key: string; etag: string }[] = [];
    child.on("message", (message) => stored.push(message as { key: string; etag: string }));
    return { child, stored, complaint: () => complaint };
  }

  async function kill(child: ChildProcess) {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Every entry on the disk is whole. */
  async function check(): Promise<number> {
    const entries = await place.entries();
    for (const path of entries) {
      const file = await readFile(path);
      const head = parseHead(file);
      assert.equal(head.size, file.length);
      assertBody(head, file.subarray(head.start));
    }
    return entries.length;
  }

  it("find every entry whole, whenever they are killed", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { child, stored, complaint } = start(round * 1000 + 1);
      // From the first entries to some hundred; at another moment each time.
      await until(() => stored.length > round || child.exitCode !== null, "it has stored some");
      for (let turns = (round * 7) % 10; turns > 0; turns--) await turn();
      assert.equal(child.exitCode, null, complaint());
      await kill(child);
      assert.equal(complaint(), "");
      assert((await check()) > 0);
      // All that was stored is there, or what was stored in its place later.
      const host = await place.open();
      for (const { key } of stored) assert((await host.find(key)).found?.body, key);
      await host.close();
    }
    assert.deepEqual(await place.files(/\.tmp$/), [], "what they were writing is removed by the next one");
  });

  it("keep record and body together, in three processes at once, beyond their budget", async () => {
    const workers = [1, 1_000_000, 2_000_000].map((seed) => start(seed, 4_000_000, "purges"));
    const isDone = ({ child, stored }: (typeof workers)[0]) => stored.length >= 30 || child.exitCode !== null;
    await until(() => workers.every(isDone), "all have stored some");
    for (const { child, complaint } of workers) {
      assert.equal(child.exitCode, null, complaint());
      await kill(child);
      assert.equal(complaint(), "");
    }
    assert((await check()) > 0);
  });
});
