import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { NOT_MODIFIED, type Storage } from "@mediatap/core/storage";
import {
  describeWith,
  MOTO,
  RADOSGW,
  type Radosgw,
  type S3Service,
  startMoto,
  startRadosgw,
} from "@mediatap/test";
import { type Front, startFront } from "./front.ts";
import { entryOf, openPlace, read, storageOf, type TestPlace } from "./places.ts";

const signal = new AbortController().signal;
const MB = 1024 * 1024;

describeWith(RADOSGW, "objects of radosgw", () => {
  let service: Radosgw;
  let place: TestPlace;
  let front: Front;
  let storage: Storage;
  let close: () => void;
  before(async () => {
    service = await startRadosgw();
    place = await openPlace(service);
    front = await startFront(service);
    ({ storage, close } = storageOf(front));
  });
  beforeEach(() => front.forget());
  after(async () => {
    close();
    place.close();
    await front.close();
    await service.close();
  });

  it("are found under every name, in every part of a path", async () => {
    const names = [
      "+",
      "%",
      "%2B",
      "%252B",
      "?",
      "#",
      "&=;:@$,",
      "\u00e9",
      "e\u0301",
      "日本語",
      "🖼",
      "a b",
      "'\"()*!~",
      "\\",
    ];
    const paths = names.flatMap((name) => [`${name}.txt`, `${name}/${name}`, `x${name}/end.`]);
    paths.push("dots...", "...", ".hidden", "..x", "CON", "~", "a=b", "-", `${"é".repeat(511)}.`);
    for (const path of paths) await place.put(path, `bytes of ${path}`);
    for (const path of paths) {
      assert.equal((await read(storage, path)).toString(), `bytes of ${path}`);
      await (await entryOf(storage, path, { head: true })).close?.();
    }
  });

  it("under names that a path cannot have are not asked for", async () => {
    await place.put("a//b.txt", "empty segment");
    await place.put("/a.txt", "leading slash");
    for (const path of [
      "a//b.txt",
      "/a.txt",
      "a/",
      "",
      ".",
      "a/../b.txt",
      "./a.txt",
      "\ud800.txt",
      "é".repeat(513),
    ]) {
      assert.equal(await storage.open(path, { signal }), undefined, path);
    }
    assert.equal(front.requests.length, 0);
  });

  it("that are empty are files; pictures that are empty are none", async () => {
    await place.put("empty.txt", "");
    await place.put("empty.jpg", "");
    const entry = await entryOf(storage, "empty.txt");
    assert.equal(entry.size, 0);
    await entry.close?.();
    assert.equal((await read(storage, "empty.txt", { range: { start: 0, end: 9 } })).length, 0);
    await assert.rejects(storage.open("empty.jpg", { signal }), { code: "UNIDENTIFIED", outage: false });
  });

  it("that did not change are known by their tag, with and without a body", async () => {
    await place.put("same.txt", "same");
    const { etag = "", close: end } = await entryOf(storage, "same.txt");
    await end?.();
    for (const head of [false, true]) {
      assert.equal(await storage.open("same.txt", { signal, head, ifNoneMatch: etag }), NOT_MODIFIED);
      assert.notEqual(await storage.open("same.txt", { signal, head, ifNoneMatch: '"other"' }), NOT_MODIFIED);
    }
  });

  it("come over few connections, whatever the answers are", async () => {
    await place.put("often.txt", "often");
    const { etag = "", close: end } = await entryOf(storage, "often.txt");
    await end?.();
    front.forget();
    for (let i = 0; i < 40; i++) {
      await read(storage, "often.txt");
      await read(storage, "often.txt", { range: { start: 1, end: 2 } });
      await entryOf(storage, "often.txt", { head: true });
      await storage.open("missing.txt", { signal });
      await storage.open("often.txt", { signal, ifNoneMatch: etag });
    }
    assert.equal(front.requests.length, 200);
    assert(front.connections <= 1, `${front.connections} connections`);
    for (let i = 0; i < 10; i++) {
      await Promise.all(Array.from({ length: 8 }, () => read(storage, "often.txt")));
    }
    assert(front.connections <= 8, `${front.connections} connections`);
  });

  it("that are stored coded are given as they were, in parts as well", async () => {
    const bytes = Buffer.from("0123456789".repeat(1000));
    const coded = async (Key: string, ContentEncoding: string, Body: Buffer) =>
      place.client.send(new PutObjectCommand({ Bucket: place.bucket, Key, ContentEncoding, Body }));
    await coded("coded.txt", "gzip", gzipSync(bytes));
    await coded("chunked.txt", "aws-chunked", bytes);
    await coded("broken.txt", "gzip", bytes);
    await coded("unknown.txt", "zstd", bytes);
    assert(bytes.equals(await read(storage, "coded.txt")));
    assert.equal((await read(storage, "coded.txt", { range: { start: 5, end: 7 } })).toString(), "567");
    assert.equal((await entryOf(storage, "coded.txt", { head: true })).size, undefined);
    assert(bytes.equals(await read(storage, "chunked.txt")));
    await assert.rejects(read(storage, "broken.txt"), { code: "UNIDENTIFIED", outage: false });
    await assert.rejects(read(storage, "unknown.txt"), { code: "UNIDENTIFIED", outage: false });
  });

  it("that are private say so", async () => {
    await place.put("private.txt", "secret", { private: true });
    for (const head of [false, true]) {
      const entry = await entryOf(storage, "private.txt", { head });
      await entry.close?.();
      assert.equal(entry.private, true);
    }
    const { write } = storage as Required<Storage>;
    await write("written.txt", Buffer.from("secret"), { private: true });
    assert.equal((await entryOf(storage, "written.txt", { head: true })).private, true);
  });

  it("have a canonical address where the origin names a base", async () => {
    const fields = { includeCanonicalHeader: true, baseUrlForCanonicalHeader: "https://example.com/media/" };
    const other = storageOf(front, { fields });
    await place.put("a b/é.txt", "x");
    const entry = await entryOf(other.storage, "a b/é.txt", { head: true });
    assert.equal(entry.canonical, "https://example.com/media/a%20b/%C3%A9.txt");
    other.close();
  });
});

describeWith(MOTO, "objects of moto", () => {
  let service: S3Service;
  let place: TestPlace;
  let front: Front;
  let storage: Storage;
  let close: () => void;
  before(async () => {
    service = await startMoto();
    place = await openPlace(service);
    front = await startFront(service);
    ({ storage, close } = storageOf(front));
  });
  beforeEach(() => front.forget());
  after(async () => {
    close();
    place.close();
    await front.close();
    await service.close();
  });

  it("are the newest of their versions, and gone when that is a deletion", async () => {
    const { client, bucket: Bucket } = place;
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    await place.put("versioned.txt", "first");
    await place.put("versioned.txt", "second");
    assert.equal((await read(storage, "versioned.txt")).toString(), "second");
    await client.send(new DeleteObjectCommand({ Bucket, Key: "versioned.txt" }));
    assert.equal(await storage.open("versioned.txt", { signal }), undefined);
    assert.equal(await storage.open("versioned.txt", { signal, head: true }), undefined);
  });

  it("are read whole and in parts, with checksums of any kind", async () => {
    // As SDKs send them by default: with checksums of the object, and of the parts.
    const sender = new S3Client({
      endpoint: service.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
      forcePathStyle: true,
    });
    const at = { Bucket: place.bucket, Key: "summed.bin", ChecksumAlgorithm: "CRC32" } as const;
    const whole = Buffer.alloc(6 * MB, "abcdefg");
    await sender.send(new PutObjectCommand({ ...at, Body: whole }));
    const reads = async () => {
      assert(whole.equals(await read(storage, "summed.bin")));
      const part = await read(storage, "summed.bin", { range: { start: 5 * MB - 3, end: 5 * MB + 3 } });
      assert(whole.subarray(5 * MB - 3, 5 * MB + 4).equals(part));
    };
    await reads();
    const { UploadId } = await sender.send(new CreateMultipartUploadCommand(at));
    const Parts = [];
    for (const [i, Body] of [whole.subarray(0, 5 * MB), whole.subarray(5 * MB)].entries()) {
      const PartNumber = i + 1;
      const { ETag } = await sender.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
      Parts.push({ ETag, PartNumber });
    }
    await sender.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
    await reads();
    sender.destroy();
  });

  it("are neither read nor written with checksums, which not every service knows", async () => {
    const { write } = storage as Required<Storage>;
    await write("plain.bin", Buffer.alloc(100_000), {});
    await write("large.bin", Buffer.alloc(9 * MB), { type: "image/x" });
    await read(storage, "plain.bin");
    for (const { headers, method } of front.requests) {
      const names = Object.keys(headers).filter((name) => /checksum|trailer|content-encoding/.test(name));
      assert.deepEqual(names, [], method);
    }
  });

  it("of an upload that failed leave nothing behind", async () => {
    const { write } = storage as Required<Storage>;
    const piece = Buffer.alloc(5 * MB);
    async function* broken() {
      for (let i = 0; i < 5; i++) yield piece;
      throw new Error("the disk is on fire");
    }
    await assert.rejects(write("broken.bin", Readable.from(broken()), {}), /the disk is on fire/);
    const { client, bucket: Bucket } = place;
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    assert.deepEqual(Uploads, []);
    assert.equal(await storage.open("broken.bin", { signal }), undefined);
  });

  it("are listed whole, however many there are", async () => {
    const { list } = storage as Required<Storage>;
    const paths = Array.from({ length: 1100 }, (_, i) => `list/${String(i).padStart(4, "0")}`);
    for (let at = 0; at < paths.length; at += 20) {
      await Promise.all(paths.slice(at, at + 20).map((path) => place.put(path, "")));
    }
    const found: string[] = [];
    for await (const path of list("list/")) found.push(path);
    assert.deepEqual(found, paths);
    // A level above, all of them are one folder.
    front.forget();
    const { entries, next } = (await storage.listFolder?.("", { signal, limit: 1000 })) ?? {};
    assert.equal(entries?.filter(({ name }) => name === "list").length, 1);
    assert.equal(next, undefined);
    assert.equal(front.requests.length, 1);
  });

  it("that stand for a folder of a console are not listed as files", async () => {
    await place.put("console/", "");
    await place.put("console/empty/", "");
    await place.put("console/a.txt", "a");
    const { entries } = (await storage.listFolder?.("console", { signal })) ?? {};
    assert.deepEqual(
      entries?.map(({ name, kind, size }) => [name, kind, size]),
      [
        ["empty", "folder", undefined],
        ["a.txt", "file", 1],
      ],
    );
  });
});
