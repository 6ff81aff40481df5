import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isMediaError } from "@mediatap/core";
import type { Storage } from "@mediatap/core/storage";
import {
  describeWith,
  MOTO,
  RADOSGW,
  type Radosgw,
  type S3Service,
  startMoto,
  startRadosgw,
  until,
} from "@mediatap/test";
import { after as cutAfter, type Fault, type Front, first, refuse, startFront } from "./front.ts";
import { entryOf, openPlace, type PlaceOptions, read, storageOf, type TestPlace } from "./places.ts";

const signal = new AbortController().signal;
const REFUSED = { code: "ECONNREFUSED", outage: true };
const BROKEN = { code: "UNIDENTIFIED", outage: true };
/** Limits that end what nobody answers. */
const SHORT = { originFirstByte: 300, originIdle: 300 };
/** Limits that end it, too, and leave a busy machine time for proper answers. */
const MODERATE = { originFirstByte: 2_000, originIdle: 2_000 };

async function listed(paths: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const path of paths) all.push(path);
  return all;
}

/** A place behind a front, and storages that are closed with it. */
async function openAll(service: S3Service) {
  const place: TestPlace = await openPlace(service);
  const front: Front = await startFront(service);
  const closers: (() => void)[] = [];
  return {
    ...place,
    front,
    storage(options: PlaceOptions = {}): Storage {
      const { storage, close } = storageOf(front, options);
      closers.push(close);
      return storage;
    },
    async release() {
      for (const close of closers) close();
      await front.close();
      place.close();
    },
  };
}

type All = Awaited<ReturnType<typeof openAll>>;

describeWith(RADOSGW, "the faults of a service", () => {
  const bytes = randomBytes(500_000);
  let service: Radosgw;
  let all: All;
  before(async () => {
    service = await startRadosgw();
  });
  beforeEach(async () => {
    all = await openAll(service);
    await all.put("a.txt", "bytes");
    await all.put("a.bin", bytes);
    all.front.forget();
  });
  afterEach(() => all.release());
  after(() => service.close());

  describe("that is asked too often", () => {
    const slowDown: Fault = (_, response) => refuse(response, 503, "SlowDown");

    it("pass, when it takes a moment", async () => {
      for (const status of [429, 500, 502, 503, 504]) {
        all.front.forget();
        all.front.fault = first(2, (_, response) => refuse(response, status, "SlowDown"));
        assert.equal((await read(all.storage(), "a.txt")).toString(), "bytes");
        assert.equal(all.front.requests.length, 3);
      }
    });

    it("are an outage, when it takes longer", async () => {
      all.front.fault = slowDown;
      await assert.rejects(all.storage().open("a.txt", { signal }), {
        ...BROKEN,
        retryAfterSeconds: undefined,
      });
      assert.equal(all.front.requests.length, 3);
      await assert.rejects(
        all.storage({ settings: { retries: 0 } }).open("a.txt", { signal, head: true }),
        BROKEN,
      );
      assert.equal(all.front.requests.length, 4);
    });

    it("last as long as it says: once that is waited for, if there is time", async () => {
      const busy: (seconds: number) => Fault = (seconds) => (_, response) =>
        refuse(response, 503, "SlowDown", { "retry-after": seconds });
      all.front.fault = first(1, busy(1));
      assert.equal((await read(all.storage(), "a.txt")).toString(), "bytes");
      assert.equal(all.front.requests.length, 2);

      all.front.fault = busy(0);
      await assert.rejects(all.storage().open("a.txt", { signal }), BROKEN);
      assert.equal(all.front.requests.length, 4);

      all.front.fault = busy(120);
      await assert.rejects(all.storage().open("a.txt", { signal }), { ...BROKEN, retryAfterSeconds: 120 });
      assert.equal(all.front.requests.length, 5);
    });

    it("are not made worse by retries", async () => {
      all.front.fault = slowDown;
      const storage = all.storage();
      for (let i = 0; i < 30; i++) await assert.rejects(storage.open("a.txt", { signal }), BROKEN);
      // Ten are saved up, then a tenth of the requests.
      assert(all.front.requests.length <= 30 + 10 + 3, `${all.front.requests.length} requests`);
    });

    it("pass while it is written to", async () => {
      const { write, list, remove } = all.storage() as Required<Storage>;
      for (const work of [
        () => write("w.txt", Buffer.from("w"), {}),
        async () => assert.deepEqual(await listed(list("w")), ["w.txt"]),
        () => remove("w.txt"),
      ]) {
        all.front.fault = first(1, slowDown);
        await work();
      }
      all.front.fault = slowDown;
      await assert.rejects(write("w.txt", Buffer.from("w"), {}), BROKEN);
    });
  });

  describe("whose object should be new", () => {
    const isLast = ({ method, url }: IncomingMessage) =>
      method === "PUT" ? !/partNumber/.test(url ?? "") : method === "POST" && /uploadId/.test(url ?? "");
    const sizes = [10, 6 * 1024 * 1024];

    it("are asked for one that is not there, with the request that makes it", async () => {
      const { write } = all.storage({ partBytes: 5 * 1024 * 1024 }) as Required<Storage>;
      for (const size of sizes) {
        all.front.forget();
        await write("new.bin", randomBytes(size), { isNew: true });
        for (const request of all.front.requests)
          assert.equal(request.headers["if-none-match"], isLast(request) ? "*" : undefined, request.url);
        assert(all.front.requests.some(isLast));
      }
    });

    it("refuse a name that is taken, and keep no part", async () => {
      const { write } = all.storage({ partBytes: 5 * 1024 * 1024 }) as Required<Storage>;
      for (const [status, code] of [
        [412, "PreconditionFailed"],
        [409, "ConditionalRequestConflict"],
      ] as const) {
        all.front.fault = (request, response) => isLast(request) && refuse(response, status, code);
        for (const size of sizes) {
          all.front.forget();
          await assert.rejects(write("new.bin", randomBytes(size), { isNew: true }), {
            code: "EINVAL",
            status: 409,
          });
          const aborted = all.front.requests.filter(({ method }) => method === "DELETE");
          assert.equal(aborted.length, size > 10 ? 1 : 0);
        }
      }
    });

    it("write it without the condition if they know none", async () => {
      all.front.fault = (request, response) =>
        request.headers["if-none-match"] !== undefined && refuse(response, 501, "NotImplemented");
      const { write } = all.storage() as Required<Storage>;
      await write("new.txt", Buffer.from("new"), { isNew: true });
      assert.equal((await read(all.storage(), "new.txt")).toString(), "new");
    });
  });

  describe("that does not answer", () => {
    const silent: Fault = () => true;

    it("are met with one more try", async () => {
      all.front.fault = first(1, silent);
      assert.equal((await read(all.storage({ limits: MODERATE }), "a.txt")).toString(), "bytes");
      all.front.forget();
      all.front.fault = silent;
      await assert.rejects(all.storage({ limits: SHORT }).open("a.txt", { signal }), REFUSED);
      assert.equal(all.front.requests.length, 2);
    });

    it("end with the time for a file, and with the request", async () => {
      all.front.fault = silent;
      const limits = { originFirstByte: 60_000 };
      await assert.rejects(
        all.storage({ limits, settings: { timeout: 100 } }).open("a.txt", { signal }),
        REFUSED,
      );
      const reason = new Error("nobody waits");
      const controller = new AbortController();
      const opened = all.storage({ limits }).open("a.txt", { signal: controller.signal });
      const ended = assert.rejects(opened, reason);
      await until(() => all.front.requests.length === 2, "it is asked");
      controller.abort(reason);
      await ended;
    });

    it("are no more than one try's, when all connections that wait are dead", async () => {
      const storage = all.storage({ limits: MODERATE });
      const deaf = new Set<Socket>();
      all.front.fault = ({ socket }) => deaf.has(socket);
      // All at once, so that each has a connection.
      const entries = await Promise.all(Array.from({ length: 6 }, () => entryOf(storage, "a.txt")));
      for (const { socket } of all.front.requests) deaf.add(socket);
      await Promise.all(
        entries.map(async (entry) => {
          for await (const _ of await entry.body());
          await entry.close?.();
        }),
      );
      assert.equal(deaf.size, 6);
      assert.equal((await read(storage, "a.txt")).toString(), "bytes");
    });

    it("are told of an upload, too", async () => {
      all.front.fault = silent;
      const { write } = all.storage({ limits: SHORT, settings: { videoTimeout: 100 } }) as Required<Storage>;
      await assert.rejects(write("w.txt", Buffer.from("w"), {}), REFUSED);
    });
  });

  describe("that answers in part", () => {
    it("are mended where the connection dies, from the place where it did", async () => {
      for (const at of [1, 70_000, 499_999]) {
        all.front.forget();
        all.front.fault = first(1, cutAfter(at));
        assert(bytes.equals(await read(all.storage(), "a.bin")));
        assert.equal(all.front.requests.length, 2);
        const { headers } = all.front.requests[1] ?? {};
        assert.match(headers?.range ?? "", /^bytes=\d+-499999$/);
        assert.match(headers?.["if-match"] ?? "", /^"/);
      }
    });

    it("are mended within a range", async () => {
      all.front.fault = first(1, cutAfter(100_000));
      const part = await read(all.storage(), "a.bin", { range: { start: 50_000, end: 349_999 } });
      assert(bytes.subarray(50_000, 350_000).equals(part));
      assert.match(all.front.requests[1]?.headers.range ?? "", /-349999$/);
    });

    it("are mended where it goes silent", async () => {
      all.front.fault = first(1, cutAfter(100_000, "stall"));
      assert(bytes.equals(await read(all.storage({ limits: MODERATE }), "a.bin")));
    });

    it("are mended where the connection dies before anybody reads", async () => {
      all.front.fault = first(1, cutAfter(100_000));
      const entry = await entryOf(all.storage(), "a.bin");
      const [request] = all.front.requests;
      if (request && !request.socket.destroyed) await once(request.socket, "close");
      // An answer that comes later: the storage has seen the end of the connection.
      assert.equal((await read(all.storage(), "a.txt")).toString(), "bytes");
      assert(bytes.equals(await read({ open: async () => entry }, "a.bin")));
    });

    it("are an outage the second time", async () => {
      for (const end of ["die", "stall"] as const) {
        all.front.forget();
        all.front.fault = cutAfter(100_000, end);
        const limits = end === "stall" ? SHORT : {};
        await assert.rejects(read(all.storage({ limits }), "a.bin"), BROKEN);
        assert.equal(all.front.requests.length, 2);
      }
    });

    it("do not count while the reader takes its time", async () => {
      const entry = await entryOf(all.storage({ limits: { originIdle: 2_000 } }), "a.bin");
      const parts: Buffer[] = [];
      for await (const chunk of await entry.body()) {
        parts.push(chunk as Buffer);
        // Longer than the service may be silent.
        if (parts.length === 2) await delay(2_500);
      }
      assert(bytes.equals(Buffer.concat(parts)));
      assert.equal(all.front.requests.length, 1);
    });

    it("never mix two versions of a file", async () => {
      for (const at of [1, 100_000, 250_000, 499_999]) {
        const other = randomBytes(bytes.length);
        await all.put("changing.bin", bytes);
        const changed = Promise.withResolvers<void>();
        all.front.fault = (request, response) => {
          if (request.headers.range !== undefined) return false;
          response.on("close", () => changed.resolve(all.put("changing.bin", other)));
          return cutAfter(at)(request, response);
        };
        const entry = await entryOf(all.storage(), "changing.bin");
        await changed.promise;
        await assert.rejects(read({ open: async () => entry }, "changing.bin"), BROKEN);
      }
    });
  });

  describe("that is stopped and started again", () => {
    it("pass with it, for all who keep asking", async () => {
      const { storage, close } = storageOf(service);
      let phase: "before" | "gone" | "again" = "before";
      const met = { before: 0, gone: 0, again: 0, outages: 0 };
      const failures: unknown[] = [];
      const worker = async () => {
        while (met.again < 40) {
          const now = phase;
          try {
            assert(bytes.equals(await read(storage, "a.bin")));
            if (now === phase) met[now] += 1;
          } catch (error) {
            if (isMediaError(error) && error.outage) met.outages += 1;
            else failures.push(error);
            await delay(20);
          }
        }
      };
      const workers = Array.from({ length: 4 }, worker);
      await until(() => met.before >= 10, "it is read");
      await service.stop();
      phase = "gone";
      const before = met.outages;
      await until(() => met.outages >= before + 10, "it is away");
      await assert.rejects(storage.open("a.bin", { signal }), REFUSED);
      await service.start();
      phase = "again";
      await Promise.all(workers);
      close();
      assert.deepEqual(failures, []);
      assert.equal(met.gone, 0);
    });
  });
});

describeWith(MOTO, "a service that ignores conditions", () => {
  let service: S3Service;
  let all: All;
  before(async () => {
    service = await startMoto();
    all = await openAll(service);
  });
  after(async () => {
    await all.release();
    await service.close();
  });

  it("mixes no versions of a file either", async () => {
    const changed = Promise.withResolvers<void>();
    await all.put("changing.bin", Buffer.alloc(300_000, "1"));
    all.front.fault = (request, response) => {
      if (request.headers.range === undefined) {
        response.on("close", () => changed.resolve(all.put("changing.bin", Buffer.alloc(300_000, "2"))));
        return cutAfter(100_000)(request, response);
      }
      const at = request.rawHeaders.findIndex((name) => name.toLowerCase() === "if-match");
      assert(at >= 0);
      request.rawHeaders.splice(at, 2);
      return false;
    };
    const entry = await entryOf(all.storage(), "changing.bin");
    await changed.promise;
    await assert.rejects(read({ open: async () => entry }, "changing.bin"), BROKEN);
    assert.equal(all.front.requests.length, 2);
  });
});
