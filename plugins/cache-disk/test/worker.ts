// A process that uses a cache in a folder until it is killed: stores, reads, purges. It says what it has stored, and ends
// with an error where an entry is not what was stored under its key.
import { createHash } from "node:crypto";
import { bytesOf, hostCache, newRecord, sourcesOf } from "@mediatap/test";
import { cacheDisk } from "../src/index.ts";

const [path = "", seed = "0", maxBytes = "", purges = ""] = process.argv.slice(2);
const KEYS = 40;

/** Bytes that tell by themselves whether they are whole: a number, repeated, and their checksum. */
function bodyOf(number: number): Buffer {
  const bytes = Buffer.alloc(100 + ((number * 7919) % 400_000), `${number},`);
  return Buffer.concat([createHash("sha256").update(bytes).digest(), bytes]);
}

function assertWhole(bytes: Buffer, etag: string | undefined): void {
  const sum = createHash("sha256").update(bytes.subarray(32)).digest();
  if (!sum.equals(bytes.subarray(0, 32))) throw new Error("the bytes are not whole");
  if (`"${sum.toString("hex")}"` !== etag) throw new Error("record and body are of two versions");
}

const host = await hostCache(cacheDisk({ path, maxBytes: Number(maxBytes), timeout: 30_000 }));
const end = performance.now() + 100_000;
for (let count = Number(seed); performance.now() < end; count++) {
  const key = `key ${count % KEYS}`;
  const bytes = bodyOf(count);
  const etag = `"${bytes.subarray(0, 32).toString("hex")}"`;
  const record = newRecord(key, { etag, length: bytes.length, sources: sourcesOf(`${count % 10}.jpg`) });
  const other = `key ${(count * 31) % KEYS}`;
  const reading = host.find(other).then(async ({ found }) => {
    if (found?.body) assertWhole(await bytesOf(found), found.record.etag);
  });
  // Long bodies may go while they are read; whole ones may not be wrong.
  const settled = await Promise.allSettled([host.store(record, bytes), reading]);
  const wrong = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
  if (wrong && !/changed while/.test(String(wrong.reason))) throw wrong.reason;
  if (purges === "purges" && count % 50 === 0) await host.purge("source", `${count % 10}.jpg`);
  if (count % 10 === 0) process.send?.({ key, etag });
}
