import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher, NOT_MODIFIED, type OpenOptions, type Storage } from "@mediatap/core/storage";
import { until } from "@mediatap/test";
import { createAzure } from "../src/azure.ts";
import { ACCOUNT, KEY, startAzurite, withAzurite } from "./azurite.ts";
import { openPlace, type Place } from "./places.ts";

withAzurite(() => {
  describe("an Azure Blob Storage in trouble", () => {
    let place: Place;
    before(async () => {
      place = await openPlace();
    });
    beforeEach(() => place.renew());
    after(() => place?.close());

    const signal = new AbortController().signal;
    const put = (name: string, bytes: string | Uint8Array) =>
      place.container.getBlockBlobClient(name).uploadData(Buffer.from(bytes));

    /** Azure's answer for a failure. */
    function failWith(status: number, word: string, headers: Record<string, string> = {}, times = Infinity) {
      let left = times;
      place.front.fault = (_, response) => {
        if (left-- <= 0) return false;
        response.writeHead(status, {
          "x-ms-error-code": word,
          "content-type": "application/xml",
          ...headers,
        });
        response.end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${word}</Code></Error>`);
        return true;
      };
    }

    for (const [status, word, code, outage, requests] of [
      [503, "ServerBusy", "UNIDENTIFIED", true, 3],
      [500, "InternalError", "UNIDENTIFIED", true, 3],
      [500, "OperationTimedOut", "UNIDENTIFIED", true, 3],
      [429, "TooManyRequests", "UNIDENTIFIED", true, 1],
      [403, "AccountIsDisabled", "EACCES", false, 1],
      [400, "InvalidHeaderValue", "UNIDENTIFIED", false, 1],
      [409, "ContainerBeingDeleted", "UNIDENTIFIED", false, 1],
    ] as const) {
      it(`fails with ${code} on ${status} ${word}`, async () => {
        failWith(status, word);
        await assert.rejects(read("a.txt"), { code, outage });
        assert.equal(place.front.requests.length, requests);
        const storage = place.storage();
        await assert.rejects(async () => storage.write?.("b.txt", Buffer.from("b"), {}), { code, outage });
        await assert.rejects(async () => storage.remove?.("a.txt"), { code, outage });
        await assert.rejects(async () => storage.list?.("")[Symbol.asyncIterator]().next(), { code, outage });
      });
    }

    it("that is busy for a moment is asked again after the time that it says", async () => {
      await put("a.txt", "bytes");
      failWith(503, "ServerBusy", { "retry-after": "0" }, 1);
      assert.equal((await read("a.txt")).toString(), "bytes");
      assert.equal(place.front.requests.length, 2);
    });

    it("that is busy for longer says so, for the breaker", async () => {
      failWith(503, "ServerBusy", { "retry-after": "120" });
      await assert.rejects(read("a.txt"), { code: "UNIDENTIFIED", outage: true, retryAfterSeconds: 120 });
    });

    it("is written to although single requests fail", async () => {
      const bytes = randomBytes(9 * 1024 * 1024);
      const seen = new Set<string>();
      place.front.fault = (request, response) => {
        const what = `${request.method} ${new URL(request.url ?? "", "http://x").searchParams.get("blockid")}`;
        if (seen.has(what)) return false;
        seen.add(what);
        request
          .resume()
          .once("end", () => response.writeHead(503, { "x-ms-error-code": "ServerBusy" }).end());
        return true;
      };
      await place.storage().write?.("a.bin", bytes, {});
      place.front.fault = undefined;
      assert.equal(seen.size, 4);
      assert(bytes.equals(await read("a.bin")));
    });

    it("that does not answer in time is an outage", async () => {
      place.front.fault = () => true;
      const storage = place.storage({}, {}, true);
      const read = storage.open("a.txt", { signal });
      await assert.rejects(read, { code: "ECONNREFUSED", outage: true });
      await assert.rejects(async () => storage.remove?.("a.txt"), { code: "ECONNREFUSED", outage: true });
    });

    it("that breaks off half way is read on from there", async () => {
      const bytes = randomBytes(1_000_000);
      await put("a.bin", bytes);
      place.front.cut = { after: 300_000 };
      assert(bytes.equals(await read("a.bin")));
      assert.equal(place.front.requests.length, 2);
      assert.match(place.front.requests[1]?.headers.range ?? "", /^bytes=\d+-999999$/);

      place.front.cut = { after: 300_000 };
      const range = { start: 100_000, end: 899_999 };
      assert(bytes.subarray(100_000, 900_000).equals(await read("a.bin", { range })));
    });

    it("never mixes the bytes of a blob with those of the one that took its place", async () => {
      const [ones, twos] = [Buffer.alloc(1_000_000, "1"), Buffer.alloc(1_000_000, "2")];
      for (const range of [undefined, { start: 10, end: 999_000 }]) {
        await put("a.bin", ones);
        place.front.cut = { after: 300_000, first: () => put("a.bin", twos) };
        await assert.rejects(read("a.bin", range && { range }), { code: "UNIDENTIFIED", outage: true });
        assert(twos.equals(await read("a.bin")), "the next read has the new one");
      }
    });

    it("that stalls in the middle fails, and never ends early", async () => {
      await put("a.bin", randomBytes(1_000_000));
      place.front.cut = { after: 300_000, first: () => new Promise(() => undefined) };
      const stalled = place.front.cut;
      place.front.fault = (request) => {
        // The second try stalls as well.
        if (request.headers.range) place.front.cut = stalled;
        return false;
      };
      const stalls = bytesOf(place.storage({}, {}, true), "a.bin", { signal });
      await assert.rejects(stalls, { code: "UNIDENTIFIED", outage: true });
    });

    it("gives the old or the new blob, whole, while it is written again and again", async () => {
      const [ones, twos] = [Buffer.alloc(600_000, "1"), Buffer.alloc(700_000, "2")];
      await put("a.bin", ones);
      let going = true;
      let reads = 0;
      const writing = (async () => {
        for (let i = 0; i < 10 || reads < 5; i++) await put("a.bin", i % 2 === 0 ? twos : ones);
      })().finally(() => {
        going = false;
      });
      while (going) {
        const bytes = await read("a.bin").catch(() => undefined);
        if (bytes) assert(bytes.equals(ones) || bytes.equals(twos), `${bytes.length} bytes`);
        if (bytes) reads += 1;
      }
      await writing;
    });

    async function read(path: string, options: Partial<OpenOptions> = {}): Promise<Buffer> {
      return bytesOf(place.storage(), path, { signal, ...options });
    }
  });

  describe("an Azure Blob Storage that goes away and comes back", () => {
    it("fails as an outage in between, gives no wrong bytes, and is then there again", async () => {
      const folder = await mkdtemp(join(tmpdir(), "azurite-"));
      const first = await startAzurite({ folder });
      const fetcher = createFetcher({ limits: DEFAULT_LIMITS });
      const container = await first.container();
      const bytes = randomBytes(2_000_000);
      await container.getBlockBlobClient("a.bin").uploadData(bytes);
      await first.close("SIGTERM");
      const port = Number(new URL(first.url).port);
      let azurite = await startAzurite({ folder, port });
      const options = {
        accountName: ACCOUNT,
        container: container.containerName,
        endpoint: azurite.url,
        accountKey: KEY,
      };
      const storage = createAzure({ name: "archive", type: "AZURE_BLOB", base: "/", options }, fetcher, {});
      const signal = new AbortController().signal;
      const counts = { good: 0, failed: 0 };
      let going = true;
      const reader = async () => {
        while (going) {
          try {
            assert(bytes.equals(await bytesOf(storage, "a.bin", { signal })), "the right bytes");
            counts.good += 1;
          } catch (error) {
            const { code, outage } = error as { code?: string; outage?: boolean };
            assert(code === "ECONNREFUSED" || code === "UNIDENTIFIED", String(error));
            assert.equal(outage, true);
            counts.failed += 1;
          }
        }
      };
      const reached = async (field: "good" | "failed", more: number) => {
        const wanted = counts[field] + more;
        await Promise.race([readers, until(() => counts[field] >= wanted, `${more} more are ${field}`)]);
      };
      const readers = Promise.all(Array.from({ length: 8 }, reader));
      try {
        await reached("good", 10);
        await azurite.close();
        await reached("failed", 10);
        azurite = await startAzurite({ folder, port });
        await reached("good", 10);
      } finally {
        going = false;
        await Promise.allSettled([readers]);
        await fetcher.close();
        await azurite.close();
        await rm(folder, { recursive: true, force: true });
      }
      await readers;
    });
  });
});

async function bytesOf(storage: Storage, path: string, options: OpenOptions): Promise<Buffer> {
  const entry = await storage.open(path, options);
  assert(entry && entry !== NOT_MODIFIED, `${path} is found`);
  return buffer(await entry.body());
}
