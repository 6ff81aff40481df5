import assert from "node:assert/strict";
import { NOT_MODIFIED, type Storage } from "@mediatap/core/storage";
import { freePort, passTime, resetTime, stopTime, until } from "@mediatap/test";
import { MACHINE } from "./accounts.ts";
import { store } from "./objects.ts";
import { openPlace, type Place } from "./places.ts";

describe("the credentials of a bucket", () => {
  let place: Place;
  beforeEach(async () => {
    place = await openPlace();
    store(place.bucket, "a.txt", Buffer.from("bytes"), {});
  });
  afterEach(() => {
    resetTime();
    return place[Symbol.asyncDispose]();
  });

  const signal = new AbortController().signal;
  const open = (storage: Storage) => storage.open("a.txt", { signal, head: true });
  async function isFound(storage: Storage): Promise<void> {
    const entry = await open(storage);
    assert(entry && entry !== NOT_MODIFIED);
    assert.equal(entry.size, 5);
  }
  const denied = { code: "EACCES", outage: false };
  const withoutKey = { clientEmail: undefined, privateKey: undefined };

  it("are a signed claim, exchanged once for a token that many requests share", async () => {
    const storage = place.storage();
    await Promise.all(Array.from({ length: 20 }, () => isFound(storage)));
    assert.equal(place.google.accounts.logins(), 1);
  });

  it("may be written with \\n for line breaks, as environment files have them", async () => {
    await isFound(place.storage({ privateKey: place.account.privateKey.replaceAll("\n", "\\n") }));
  });

  it("are renewed before they end, and once where they are refused before", async () => {
    place.google.accounts.lifetime = 30;
    const storage = place.storage();
    await isFound(storage);
    stopTime();
    passTime(1_100);
    await isFound(storage);
    assert.equal(place.google.accounts.logins(), 2);

    place.google.accounts.lifetime = 3_599;
    const other = place.storage();
    await isFound(other);
    passTime(1_100);
    place.google.accounts.revoke();
    await isFound(other);
    assert.equal(place.google.accounts.logins(), 4);
  });

  it("that are refused again are not tried a third time", async () => {
    place.google.fault = (request, response) => {
      if (request.url === "/token") return false;
      response.writeHead(401).end();
      return true;
    };
    await assert.rejects(open(place.storage()), denied);
    assert.equal(place.google.requests.filter(({ url }) => url !== "/token").length, 2);
  });

  it("of another key, of an account that is unknown or has no role there are denied", async () => {
    const other = place.google.accounts.create("other");
    await assert.rejects(open(place.storage({ privateKey: other.privateKey })), denied);
    await assert.rejects(open(place.storage({ clientEmail: "nobody@x.example" })), denied);
    await assert.rejects(open(place.storage({ ...other })), denied);
    await assert.rejects(open(place.storage({ ...withoutKey, anonymous: true })), denied);
  });

  it("do not show in what a failure says", async () => {
    const storage = place.storage({ privateKey: place.google.accounts.create("other").privateKey });
    await assert.rejects(open(storage), (error: Error) => {
      assert.equal(error.message, "The server has no credentials for the origin");
      return true;
    });
    assert.doesNotMatch(storage.label ?? "", /reader|BEGIN/);
  });

  it("that cannot be exchanged are an outage, not a refusal", async () => {
    const unreachable = { tokenUri: `http://127.0.0.1:${await freePort()}/token` };
    await assert.rejects(open(place.storage(unreachable)), { code: "ECONNREFUSED", outage: true });
    place.google.fault = ({ url }, response) => {
      if (url !== "/token") return false;
      response.writeHead(429).end();
      return true;
    };
    await assert.rejects(open(place.storage()), { code: "UNIDENTIFIED", outage: true });
  });

  it("that take too long end with the time for a file, or with the request", async () => {
    place.google.fault = ({ url }) => url === "/token";
    await assert.rejects(open(place.storage({}, { timeout: 100 })), { code: "ECONNREFUSED", outage: true });
    const controller = new AbortController();
    const asked = place.storage().open("a.txt", { signal: controller.signal });
    controller.abort(new Error("nobody waits"));
    await assert.rejects(asked, /nobody waits/);
  });

  it("that take too long are given up and asked for again", async () => {
    place.google.fault = ({ url }) => url === "/token";
    const storage = place.storage({}, { timeout: 200, videoTimeout: 60_000 });
    const asked = storage.open("a.mp4", { signal, head: true });
    await assert.rejects(asked, { code: "ECONNREFUSED", outage: true });
    place.google.fault = undefined;
    const isAsked = () =>
      storage.open("a.mp4", { signal, head: true }).then(
        (entry) => entry === undefined,
        () => false,
      );
    // A busy machine may be slower than its limit.
    await until(isAsked, "they are asked for again");
  });

  describe("that are left out", () => {
    const names = [
      "GCE_METADATA_HOST",
      "METADATA_SERVER_DETECTION",
      "GOOGLE_APPLICATION_CREDENTIALS",
      "HOME",
    ] as const;
    const before = names.map((name) => [name, process.env[name]] as const);
    afterEach(() => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });

    it("are the machine's", async () => {
      process.env.GCE_METADATA_HOST = new URL(place.google.url).host;
      process.env.METADATA_SERVER_DETECTION = "assume-present";
      process.env.HOME = "/nowhere";
      delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
      store(place.google.bucket("machines", [MACHINE]), "a.txt", Buffer.from("bytes"), {});
      await isFound(place.storage({ ...withoutKey, bucket: "machines" }));
      await assert.rejects(open(place.storage(withoutKey)), denied);
    });

    it("are missed where the machine has none", async () => {
      process.env.GOOGLE_APPLICATION_CREDENTIALS = "/nowhere/key.json";
      await assert.rejects(open(place.storage(withoutKey)), denied);
    });
  });

  for (const [fields, message] of [
    [{ bucket: undefined }, /origins\.photos\.bucket/],
    [{ bucket: "gs://shop" }, /bucket: Expected the name of a bucket, without gs:\/\/ and slashes/],
    [{ bucket: "shop/../other" }, /bucket: Expected/],
    [{ clientEmail: undefined }, /clientEmail: Expected clientEmail and privateKey together/],
    [{ privateKey: "secret" }, /privateKey: Expected a private RSA key in PEM/],
    [{ anonymous: true }, /anonymous: Expected anonymous or privateKey/],
    [{ endpoint: "ftp://x" }, /endpoint: Expected an http or https URL/],
    [{ prefix: "a/../b" }, /prefix: Expected/],
    [{ buckets: "x" }, /did you mean "bucket"/],
  ] as const) {
    it(`cannot be configured as ${JSON.stringify(fields)}`, () => {
      assert.throws(
        () => place.storage(fields),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "ECONFIG");
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        },
      );
    });
  }
});
