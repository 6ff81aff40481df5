import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { NOT_MODIFIED, type OpenOptions, type Storage } from "@mediatap/core/storage";
import fc from "fast-check";
import { withAzurite } from "./azurite.ts";
import { openPlace, type Place } from "./places.ts";

withAzurite(() => {
  describe("the blobs of a container", () => {
    let place: Place;
    before(async () => {
      place = await openPlace();
    });
    beforeEach(() => place.renew());
    after(() => place?.close());

    const signal = new AbortController().signal;
    const put = (name: string, bytes: string | Uint8Array, metadata: Record<string, string> = {}) =>
      place.container.getBlockBlobClient(name).uploadData(Buffer.from(bytes), { metadata });
    async function find(
      path: string,
      options: Partial<OpenOptions> = {},
      storage: Storage = place.storage(),
    ) {
      const entry = await storage.open(path, { signal, ...options });
      assert(entry && entry !== NOT_MODIFIED, `${path} is found`);
      return entry;
    }
    const read = async (path: string, options: Partial<OpenOptions> = {}, storage?: Storage) =>
      buffer(await (await find(path, options, storage)).body());

    it("are private by their metadata, for GET and HEAD", async () => {
      await put("a.txt", "a", { isprivatefile: "true" });
      await put("b.txt", "b", { other: "true" });
      for (const head of [false, true]) {
        const [a, b] = [await find("a.txt", { head }), await find("b.txt", { head })];
        assert.equal(a.private, true);
        assert.equal(b.private, undefined);
        await a.close?.();
        await b.close?.();
      }
    });

    it("keep that they are private when they are written", async () => {
      await place.storage().write?.("a.txt", Buffer.from("a"), { private: true });
      assert.equal((await find("a.txt", { head: true })).private, true);
      await place.storage().write?.("a.txt", Buffer.from("a"), {});
      assert.equal((await find("a.txt", { head: true })).private, undefined);
    });

    it("say the same to GET and HEAD", async () => {
      const blobHTTPHeaders = { blobContentType: "text/plain", blobCacheControl: "max-age=60" };
      await place.container.getBlockBlobClient("a.txt").uploadData(Buffer.from("0123"), { blobHTTPHeaders });
      const get = await find("a.txt");
      await get.close?.();
      const head = await find("a.txt", { head: true });
      for (const fact of ["size", "type", "etag", "lastModified", "cacheControl"] as const) {
        assert.notEqual(get[fact], undefined, fact);
        assert.equal(get[fact], head[fact], fact);
      }
    });

    it("are not the folders of a hierarchical namespace", async () => {
      await put("photos", "", { hdi_isfolder: "true" });
      await put("photos/a.txt", "a");
      for (const head of [false, true]) {
        assert.equal(await place.storage().open("photos", { signal, head }), undefined);
      }
      assert.deepEqual(await namesOf(place.storage(), ""), ["photos/a.txt"]);
    });

    it("may end with a dot, and are not found by other names", async () => {
      await place.storage().write?.("dot.", Buffer.from("dot"), {});
      assert.equal((await read("dot.")).toString(), "dot");
      assert.equal(await place.storage().open("dot", { signal }), undefined);
      assert.equal(await place.storage().open("dot.%2e", { signal }), undefined);
    });

    it("are not the ones outside the prefix", async () => {
      await put("secret.txt", "secret");
      await put("photos/%2e%2e/secret.txt", "literal");
      const storage = place.storage({ prefix: "photos" });
      const before = place.front.requests.length;
      for (const path of [
        "../secret.txt",
        "x/../../secret.txt",
        "..\\secret.txt",
        "/secret.txt",
        "",
        ".",
        "..",
        "a//b",
        "a/",
      ]) {
        assert.equal(await storage.open(path, { signal }), undefined, path);
      }
      assert.equal(place.front.requests.length, before, "nobody was asked");
      assert.equal((await read("%2e%2e/secret.txt", {}, storage)).toString(), "literal");
      await assert.rejects(async () => storage.write?.("../secret.txt", Buffer.from("mine"), {}), {
        code: "EINVAL",
      });
      await storage.remove?.("../secret.txt");
      assert.equal((await read("secret.txt")).toString(), "secret");
    });

    it("are asked for by exactly their name, whatever the path", async () => {
      const storage = place.storage({ prefix: "photos" });
      const { containerName } = place.container;
      place.front.fault = (_, response) => {
        response.writeHead(404, { "x-ms-error-code": "BlobNotFound" }).end();
        return true;
      };
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), async (path) => {
          place.front.requests.length = 0;
          await storage.open(path, { signal, head: true });
          for (const { url = "" } of place.front.requests) {
            const [address = "", query = ""] = url.split("?");
            const name = address.slice(`/devstoreaccount1/${containerName}/`.length);
            assert.equal(decodeURIComponent(name), `photos/${path}`);
            assert.match(query, /^sv=[^#]+&sig=[^#]+$/);
          }
        }),
        { numRuns: 200 },
      );
    });

    it("are transferred by the range that was asked for, and no more", async () => {
      const blob = place.container.getBlockBlobClient("long.mp4");
      const block = randomBytes(4 * 1024 * 1024);
      const id = Buffer.from("block").toString("base64");
      await blob.stageBlock(id, block, block.length);
      await blob.commitBlockList(new Array(75).fill(id));
      const size = 75 * block.length;
      const start = 70 * block.length + 1_000;
      const entry = await find("long.mp4", { range: { start, end: start + 99_999 } });
      const bytes = await buffer(await entry.body());
      await entry.close?.();
      assert.equal(entry.size, size);
      assert(block.subarray(1_000, 101_000).equals(bytes));
      assert.equal(place.front.bytes, 100_000);
      assert.equal(place.front.requests.length, 1);
      const last = await read("long.mp4", { range: { start: size - 10, end: size + 1_000_000 } });
      assert(block.subarray(-10).equals(last));
    });

    it("stop coming when nobody reads any more", async () => {
      await put("large.bin", randomBytes(30 * 1024 * 1024));
      const entry = await find("large.bin");
      const body = await entry.body();
      for await (const _ of body) break;
      await entry.close?.();
      const [request] = place.front.requests;
      if (request && !request.socket.destroyed)
        await new Promise((done) => request.socket.once("close", done));
      assert(place.front.bytes < 30 * 1024 * 1024);
    });

    it("carry who asks, for reads and for all else", async () => {
      const storage = place.storage();
      await storage.write?.("a.txt", Readable.from([randomBytes(5 * 1024 * 1024)]), {});
      await read("a.txt");
      await namesOf(storage, "");
      await storage.remove?.("a.txt");
      assert.equal(place.front.requests.length, 6);
      for (const { headers, method } of place.front.requests) {
        assert.equal(headers["x-req-from"], "mediatap", method);
      }
    });

    it("name their canonical address where that is configured", async () => {
      await put("a b.txt", "a");
      const base = "https://www.example.com/media/";
      const canonical = { includeCanonicalHeader: true, baseUrlForCanonicalHeader: base };
      const entry = await find("a b.txt", { head: true }, place.storage(canonical));
      assert.equal(entry.canonical, "https://www.example.com/media/a%20b.txt");
    });

    it("are listed page by page", async () => {
      const names = Array.from({ length: 12 }, (_, i) => `list/${String(i).padStart(2, "0")} é.txt`);
      for (const name of names) await put(name, name);
      place.front.fault = (request) => {
        // The service's pages have 5000 names.
        request.url = request.url?.replace("comp=list", "comp=list&maxresults=5");
        return false;
      };
      assert.deepEqual(await namesOf(place.storage(), "list/"), names);
      assert.equal(place.front.requests.length, 3);
    });

    it("leave nothing behind when a stream of many blocks breaks off", async () => {
      const body = Readable.from(
        (async function* () {
          yield randomBytes(9 * 1024 * 1024);
          throw new Error("broke off");
        })(),
      );
      await assert.rejects(async () => place.storage().write?.("a.bin", body, {}), /broke off/);
      assert.equal(await place.storage().open("a.bin", { signal, head: true }), undefined);
      assert.deepEqual(await namesOf(place.storage(), ""), []);
    });

    it("are written by two at once, and are then one of both", async () => {
      const [ones, twos] = [Buffer.alloc(9 * 1024 * 1024, "1"), Buffer.alloc(9 * 1024 * 1024, "2")];
      const storage = place.storage();
      await Promise.allSettled([ones, twos].map((bytes) => storage.write?.("a.bin", bytes, {})));
      const bytes = await read("a.bin");
      assert(bytes.equals(ones) || bytes.equals(twos));
    });
  });
});

async function namesOf(storage: Storage, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of storage.list?.(prefix) ?? []) names.push(name);
  return names;
}
