import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Storage } from "@mediatap/core/storage";
import {
  describeWith,
  MOTO,
  RADOSGW,
  type Radosgw,
  type S3Service,
  startMoto,
  startRadosgw,
} from "@mediatap/test";
import { type Front, first, refuse, startFront } from "./front.ts";
import { entryOf, openPlace, type PlaceOptions, read, storageOf, type TestPlace } from "./places.ts";

const DENIED = { code: "EACCES", outage: false };
const signal = new AbortController().signal;

/** The environment without what this machine has for Amazon. */
const NO_ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_SHARED_CREDENTIALS_FILE: "/nowhere",
  AWS_CONFIG_FILE: "/nowhere",
  AWS_EC2_METADATA_DISABLED: "true",
};

/** A place whose storages are closed with it. */
async function openAll(service: S3Service) {
  const place: TestPlace = await openPlace(service);
  const front: Front = await startFront(service);
  const closers: (() => void)[] = [];
  const before = { ...process.env };
  await place.put("a.txt", "bytes");
  return {
    ...place,
    front,
    storage(options: PlaceOptions = {}): Storage {
      const { storage, close } = storageOf(front, options);
      closers.push(close);
      return storage;
    },
    /** The same for an origin of type `S3` without keys. */
    keyless(more: Record<string, unknown> = {}, options: PlaceOptions = {}): Storage {
      const fields = { accessKey: undefined, secretKey: undefined, ...more };
      return this.storage({ type: "S3", fields, ...options });
    },
    environment(variables: Readonly<Record<string, string | undefined>>) {
      for (const [name, value] of Object.entries({ ...NO_ENVIRONMENT, ...variables })) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
    async release() {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      for (const close of closers) close();
      await front.close();
      place.close();
    },
  };
}

type All = Awaited<ReturnType<typeof openAll>>;

describeWith(RADOSGW, "the keys of a bucket", () => {
  let service: Radosgw;
  let all: All;
  before(async () => {
    service = await startRadosgw();
  });
  beforeEach(async () => {
    all = await openAll(service);
  });
  afterEach(() => all.release());
  after(() => service.close());

  const keysOf = ({ accessKey, secretKey }: S3Service) => ({
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
  });

  it("that are wrong are denied, once, and show in no message", async () => {
    const wrong: { secretKey?: string; accessKey?: string }[] = [
      { secretKey: "wrong-secret" },
      { accessKey: "wrong-key" },
    ];
    for (const fields of wrong) {
      const storage = all.storage({ fields });
      all.front.forget();
      for (const head of [false, true]) {
        await assert.rejects(storage.open("a.txt", { signal, head }), (error: Error) => {
          assert.deepEqual({ ...DENIED, ...error }, { ...error, ...DENIED });
          assert.doesNotMatch(error.message, /wrong|photos|127|a\.txt/);
          // What the log has; an answer to HEAD has no word.
          const word = fields.secretKey ? "SignatureDoesNotMatch" : "InvalidAccessKeyId";
          assert.equal((error.cause as Error).message, head ? "status 403" : `status 403, ${word}`);
          return true;
        });
      }
      assert.equal(all.front.requests.length, 2);
      assert.doesNotMatch(storage.label ?? "", /wrong/);
    }
  });

  it("that have expired are denied, whatever the status is", async () => {
    all.front.fault = (_, response) => refuse(response, 400, "ExpiredToken");
    await assert.rejects(all.storage().open("a.txt", { signal }), DENIED);
    const { write } = all.storage() as Required<Storage>;
    await assert.rejects(write("new.txt", Buffer.from("new"), {}), DENIED);
  });

  it("open no bucket that is missing, which is no missing file", async () => {
    const storage = all.storage({ fields: { bucket: "nowhere" } });
    await assert.rejects(storage.open("a.txt", { signal }), DENIED);
    assert.equal(await all.storage().open("missing.txt", { signal }), undefined);
  });

  it("are never written to a request: each is signed, for the region of the origin", async () => {
    await read(all.storage({ fields: { region: "eu-north-1" } }), "a.txt");
    const headers = all.front.requests[0]?.headers;
    assert.match(
      headers?.authorization ?? "",
      /^AWS4-HMAC-SHA256 Credential=testkey\/\d{8}\/eu-north-1\/s3\//,
    );
    assert.doesNotMatch(JSON.stringify(headers), new RegExp(service.secretKey));
  });

  it("come from the environment where the origin has none", async () => {
    all.environment(keysOf(service));
    assert.equal((await read(all.keyless(), "a.txt")).toString(), "bytes");
    assert.equal(
      (await read(all.keyless({ useIAMRole: true, accessKey: "x", secretKey: "y" }), "a.txt")).length,
      5,
    );
  });

  it("are looked for again, once, when those of the environment are refused", async () => {
    all.environment({ AWS_ACCESS_KEY_ID: "old", AWS_SECRET_ACCESS_KEY: "old" });
    all.front.fault = first(1, () => {
      Object.assign(process.env, keysOf(service));
      return false;
    });
    assert.equal((await read(all.keyless(), "a.txt")).toString(), "bytes");
    assert.equal(all.front.requests.length, 2);

    all.environment({ AWS_ACCESS_KEY_ID: "old", AWS_SECRET_ACCESS_KEY: "old" });
    const storage = all.keyless();
    all.front.forget();
    for (let i = 0; i < 10; i++) await assert.rejects(storage.open("a.txt", { signal }), DENIED);
    // The search itself costs requests elsewhere: it is not made again for a while.
    assert.equal(all.front.requests.length, 11);
  });

  it("are not waited for longer than a file may take", async () => {
    const folder = await mkdtemp(join(tmpdir(), "mediatap-s3-"));
    await writeFile(join(folder, "token"), "token");
    const asked = Promise.withResolvers<void>();
    // Amazon's token service, which would give keys for the token, and never answers.
    const silent = createServer(() => asked.resolve());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    all.environment({
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/reader",
      AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    });
    try {
      const inTime = all.keyless({}, { settings: { timeout: 300 } });
      await assert.rejects(inTime.open("a.txt", { signal }), { code: "ECONNREFUSED", outage: true });
      const controller = new AbortController();
      const reason = new Error("nobody waits");
      const opened = all.keyless().open("a.txt", { signal: controller.signal });
      await asked.promise;
      controller.abort(reason);
      await assert.rejects(opened, reason);
    } finally {
      const closed = new Promise((resolve) => silent.close(resolve));
      silent.closeAllConnections();
      await closed;
      await rm(folder, { recursive: true });
    }
  });

  it("that nobody has are a refusal, not an outage", async () => {
    all.environment({});
    await assert.rejects(all.keyless().open("a.txt", { signal }), DENIED);
    assert.equal(all.front.requests.length, 0);
  });

  it("say with each request who asks, and do not agree to pay unless told", async () => {
    const use = async (storage: Storage) => {
      all.front.forget();
      await read(storage, "a.txt");
      await (await entryOf(storage, "a.txt", { head: true })).close?.();
      const { write, list, remove } = storage as Required<Storage>;
      await write("new.txt", Buffer.from("new"), {});
      for await (const path of list("new")) assert.equal(path, "new.txt");
      await remove("new.txt");
      assert.equal(all.front.requests.length, 5);
      for (const { headers } of all.front.requests) {
        assert.equal(headers["x-req-from"], "test");
        assert.equal(headers["user-agent"], "mediatap");
      }
      return all.front.requests.map(({ headers }) => headers["x-amz-request-payer"]);
    };
    assert.deepEqual(new Set(await use(all.storage())), new Set([undefined]));
    assert.deepEqual(new Set(await use(all.storage({ type: "S3" }))), new Set([undefined]));
    const paying = all.storage({ type: "S3", fields: { requesterPays: true } });
    assert.deepEqual(new Set(await use(paying)), new Set(["requester"]));
  });

  it("are used in the bucket's region, when the service names it", async () => {
    const elsewhere = { "x-amz-bucket-region": "eu-west-1" };
    for (const [status, code] of [
      [301, "PermanentRedirect"],
      [400, "AuthorizationHeaderMalformed"],
    ] as const) {
      const storage = all.storage();
      all.front.forget();
      all.front.fault = first(1, (_, response) => refuse(response, status, code, elsewhere));
      assert.equal((await read(storage, "a.txt")).toString(), "bytes");
      await read(storage, "a.txt");
      const regions = all.front.requests.map(({ headers }) => headers.authorization?.split("/")[2]);
      assert.deepEqual(regions, ["us-east-1", "eu-west-1", "eu-west-1"]);
    }
    const region = () => all.front.requests.at(-1)?.headers.authorization?.split("/")[2];
    // Amazon names the region in the body of this one, and another address in the headers of that one.
    all.front.fault = first(1, (_, response) => {
      const region = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-2</Region></Error>";
      response.writeHead(400).end(region);
      return true;
    });
    await read(all.storage(), "a.txt");
    assert.equal(region(), "eu-west-2");
    const location = "http://169.254.169.254/";
    all.front.fault = first(1, (_, response) =>
      refuse(response, 307, "TemporaryRedirect", { ...elsewhere, location }),
    );
    await read(all.storage(), "a.txt");
    assert.equal(region(), "eu-west-1");

    all.front.fault = first(1, (_, response) => refuse(response, 301, "PermanentRedirect", elsewhere));
    const { write } = all.storage() as Required<Storage>;
    await write("new.txt", Buffer.from("new"), {});
    assert.equal(region(), "eu-west-1");

    all.front.fault = (_, response) => refuse(response, 301, "PermanentRedirect", elsewhere);
    await assert.rejects(all.storage().open("a.txt", { signal }), { code: "UNIDENTIFIED", outage: false });
  });

  it("are used at the service's time, where this machine's is wrong", async () => {
    const late = new Date(Date.now() + 7_200_000);
    all.front.fault = (request, response) => {
      const [, year, month, day, hour] =
        /^(\d{4})(\d\d)(\d\d)T(\d\d)/.exec(`${request.headers["x-amz-date"]}`) ?? [];
      if (late.toISOString().startsWith(`${year}-${month}-${day}T${hour}`)) {
        response.writeHead(200, { "content-length": 4 }).end("late");
        return true;
      }
      return refuse(response, 403, "RequestTimeTooSkewed", { date: late.toUTCString() });
    };
    assert.equal((await read(all.storage(), "a.txt")).toString(), "late");
    assert.equal(all.front.requests.length, 2);
  });

  describe("checked by the doctor", () => {
    /** What it says, with the code of the failure. */
    async function said(storage: Storage): Promise<string> {
      try {
        await storage.check?.(signal);
        return "well";
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        return `${code}: ${message}`;
      }
    }

    it("are well where a file is missing properly", async () => {
      assert.equal(await said(all.storage()), "well");
      assert.equal(await said(all.storage({ fields: { prefix: "no/such/folder" } })), "well");
    });

    it("are told apart by what is wrong with them", async () => {
      assert.equal(
        await said(all.storage({ fields: { secretKey: "wrong" } })),
        "EACCES: secretKey does not belong to accessKey",
      );
      assert.equal(
        await said(all.storage({ fields: { accessKey: "wrong" } })),
        "EACCES: the service does not know this accessKey",
      );
      assert.match(
        await said(all.storage({ fields: { bucket: "nowhere" } })),
        /^EACCES: there is no bucket nowhere/,
      );
      all.environment({});
      assert.match(await said(all.keyless()), /^EACCES: there are no keys: set accessKey and secretKey/);
    });

    it("are told which rights they lack", async () => {
      all.front.fault = (_, response) => refuse(response, 403, "AccessDenied");
      assert.equal(
        await said(all.storage({ fields: { prefix: "originals" } })),
        "EACCES: the keys may not read (status 403, AccessDenied); they need s3:GetObject for" +
          " arn:aws:s3:::photos/originals/* and s3:ListBucket for arn:aws:s3:::photos",
      );
    });

    it("cannot be where nobody answers as S3 does", async () => {
      const { endpoint } = all.front;
      all.front.fault = (_, response) => {
        response.writeHead(200, { "content-type": "text/html" }).end("<h1>Console</h1>");
        return true;
      };
      assert.equal(
        await said(all.storage()),
        `UNIDENTIFIED: ${endpoint} has a file under any name: no S3 service listens there`,
      );
      all.front.fault = (_, response) => {
        response.writeHead(405, { "content-type": "text/html" }).end("<h1>No</h1>");
        return true;
      };
      assert.equal(
        await said(all.storage()),
        `UNIDENTIFIED: no proper answer (status 405); is ${endpoint} the address of an S3 service?`,
      );
      all.front.fault = (_, response) => refuse(response, 503, "SlowDown");
      assert.equal(
        await said(all.storage({ settings: { retries: 0 } })),
        "UNIDENTIFIED: the service is in trouble, or asked too often (status 503, SlowDown)",
      );
    });

    it("cannot be where nobody answers at all", async () => {
      const endpoint = "http://127.0.0.1:9";
      assert.equal(
        await said(all.storage({ fields: { endpoint } })),
        `ECONNREFUSED: no connection to ${endpoint}`,
      );
      const virtual = { endpoint: "http://s3.invalid:9000", s3ForcePathStyle: false };
      assert.equal(
        await said(all.storage({ fields: virtual })),
        "ECONNREFUSED: no host photos.s3.invalid:9000; a service without a host for each bucket needs" +
          " s3ForcePathStyle: true",
      );
    });
  });
});

describe("a bucket of Amazon's", () => {
  for (const [bucket, region, host] of [
    ["shop-photos", "eu-central-1", "shop-photos.s3.eu-central-1.amazonaws.com"],
    ["shop-photos", "cn-north-1", "shop-photos.s3.cn-north-1.amazonaws.com.cn"],
    ["shop.photos", "eu-central-1", "s3.eu-central-1.amazonaws.com"],
    ["shop--use1-az4--x-s3", "us-east-1", "shop--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com"],
    [
      "arn:aws:s3:eu-west-1:123456789012:accesspoint/shop",
      "eu-west-1",
      "shop-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
    ],
  ] as const) {
    it(`is requested at the address of its kind and region: ${bucket}, ${region}`, async () => {
      const names = new Set<string>();
      const fields = { bucket, region, endpoint: undefined, s3ForcePathStyle: undefined };
      const amazon = { endpoint: "", accessKey: "key", secretKey: "secret" };
      const { storage, close } = storageOf(amazon, {
        type: "S3",
        fields,
        async resolve(name) {
          names.add(name);
          throw Object.assign(new Error("no network"), { code: "ENOTFOUND" });
        },
      });
      await assert.rejects(storage.open("a.txt", { signal }), { code: "ECONNREFUSED" });
      await assert.rejects(storage.write?.("a.txt", Buffer.from("a"), {}) ?? Promise.resolve(), {
        code: "ECONNREFUSED",
      });
      assert.deepEqual([...names], [host]);
      close();
    });
  }
});

describeWith(MOTO, "the keys of a machine's role", () => {
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

  it("are used with their token, asked for once", async () => {
    const asked: string[] = [];
    const role = {
      AccessKeyId: "role-key",
      SecretAccessKey: "role-secret",
      Token: "role-token",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    };
    // As EC2's metadata service answers (IMDSv2).
    const machine = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      if (method === "PUT") return response.end("session");
      response.end(url?.endsWith("/reader") ? JSON.stringify({ Code: "Success", ...role }) : "reader");
    });
    await new Promise<void>((resolve) => machine.listen(0, "127.0.0.1", resolve));
    const { port } = machine.address() as AddressInfo;
    all.environment({
      AWS_EC2_METADATA_DISABLED: undefined,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}`,
    });
    const storage = all.keyless({ useIAMRole: true });
    await Promise.all(Array.from({ length: 20 }, () => read(storage, "a.txt")));
    for (const { headers } of all.front.requests) {
      assert.match(headers.authorization ?? "", /Credential=role-key\//);
      assert.equal(headers["x-amz-security-token"], "role-token");
    }
    assert.equal(asked.filter((text) => text.endsWith("/reader")).length, 1);
    await new Promise((resolve) => machine.close(resolve));
    machine.closeAllConnections();
  });

  it("may be written in the configuration, with their token", async () => {
    all.front.forget();
    const storage = all.storage({ type: "S3", fields: { sessionToken: "token" } });
    await read(storage, "a.txt");
    assert.equal(all.front.requests[0]?.headers["x-amz-security-token"], "token");
  });
});
