import assert from "node:assert/strict";
import { NOT_MODIFIED, type Storage } from "@mediatap/core/storage";
import { freePort, passTime, resetTime, stopTime, until } from "@mediatap/test";
import { CREDENTIALS, isLogin, startPim } from "./pim.ts";
import { openPlace, type Place } from "./places.ts";

const CODE = "media-files/1/b/a/f/1baf_img.txt";

describe("the login of a PIM", () => {
  let place: Place;
  beforeEach(async () => {
    place = await openPlace();
    place.pim.files.set(CODE, { bytes: Buffer.from("bytes") });
  });
  afterEach(() => {
    resetTime();
    return place[Symbol.asyncDispose]();
  });

  const signal = new AbortController().signal;
  const open = (storage: Storage) => storage.open(CODE, { signal, head: true });
  async function isFound(storage: Storage): Promise<void> {
    const entry = await open(storage);
    assert(entry && entry !== NOT_MODIFIED);
  }
  const denied = { code: "EACCES", outage: false };

  it("happens once, however many requests wait for it", async () => {
    const storage = place.storage();
    await Promise.all(Array.from({ length: 50 }, () => isFound(storage)));
    await isFound(storage);
    assert.equal(place.pim.logins(), 1);
  });

  it("happens once more for all whose token is refused", async () => {
    const storage = place.storage();
    await isFound(storage);
    // A token younger than that is not given up.
    stopTime();
    passTime(1_100);
    place.pim.revoke();
    await Promise.all(Array.from({ length: 50 }, () => isFound(storage)));
    assert.equal(place.pim.logins(), 2);
  });

  it("happens again before a token ends", async () => {
    place.pim.lifetime = 30;
    const storage = place.storage();
    await isFound(storage);
    passTime(1_100);
    await isFound(storage);
    assert.equal(place.pim.logins(), 2);
    const refused = place.pim.requests.length - 4;
    assert.equal(refused, 0);
  });

  it("is not tried a third time for one request", async () => {
    place.pim.fault = (request, response) => {
      if (isLogin(request)) return false;
      response.writeHead(401).end();
      return true;
    };
    await assert.rejects(open(place.storage()), denied);
    assert.equal(place.pim.requests.filter((request) => !isLogin(request)).length, 2);
    assert(place.pim.logins() <= 2);
  });

  it("is denied for wrong credentials, and says which to the operator", async () => {
    for (const [fields, words] of [
      [{ clientSecret: "wrong-one" }, /clientId or clientSecret is wrong/],
      [{ clientId: "wrong-one" }, /clientId or clientSecret is wrong/],
      [{ username: "wrong-one" }, /username or password is wrong/],
      [{ password: "wrong-one" }, /username or password is wrong/],
    ] as const) {
      const storage = place.storage(fields);
      for (const ask of [() => open(storage), async () => storage.check?.(signal)]) {
        await assert.rejects(ask, (error: Error & { code?: string }) => {
          assert.equal(error.code, "EACCES");
          assert.equal(error.message, "The origin denies the login");
          assert.match(String((error.cause as Error).message), words);
          assert.doesNotMatch(`${error.stack} ${(error.cause as Error).stack}`, /wrong-one|s3cr3t|word"/);
          return true;
        });
      }
    }
  });

  it("that failed is tried again by the next request", async () => {
    const storage = place.storage();
    place.pim.fault = (request, response) => {
      if (!isLogin(request)) return false;
      response.writeHead(422).end("{}");
      return true;
    };
    await assert.rejects(open(storage), denied);
    place.pim.fault = undefined;
    await isFound(storage);
  });

  it("fails all who wait for it, and only then", async () => {
    const storage = place.storage();
    place.pim.fault = (request, response) => {
      if (!isLogin(request)) return false;
      response.writeHead(422).end("{}");
      return true;
    };
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => open(storage)));
    assert(asked.every(({ status }) => status === "rejected"));
    assert.equal(place.pim.logins(), 1);
  });

  it("of a server that is no PIM fails", async () => {
    for (const [status, body, code] of [
      [404, "<html>", "EACCES"],
      [302, "", "UNIDENTIFIED"],
      [200, "<html>", "UNIDENTIFIED"],
      [200, "{}", "UNIDENTIFIED"],
      [200, '{"access_token":"a b\\r\\nc"}', "UNIDENTIFIED"],
      [200, `{"access_token":"${"x".repeat(100_000)}"}`, "UNIDENTIFIED"],
      [403, "", "EACCES"],
    ] as const) {
      place.pim.fault = (_, response) => {
        response.writeHead(status, status === 302 ? { location: "/user/login" } : {}).end(body);
        return true;
      };
      await assert.rejects(
        open(place.storage({}, { retries: 0 })),
        { code },
        `${status} ${body.slice(0, 20)}`,
      );
    }
  });

  it("is an outage where the PIM is down, busy or broken", async () => {
    const outage = true;
    const nowhere = { baseUrl: `http://127.0.0.1:${await freePort()}` };
    await assert.rejects(open(place.storage(nowhere)), { code: "ECONNREFUSED", outage });
    for (const status of [429, 500, 502, 503]) {
      place.pim.fault = (_, response) => {
        response.writeHead(status).end();
        return true;
      };
      await assert.rejects(open(place.storage({}, { retries: 0 })), { code: "UNIDENTIFIED", outage });
    }
  });

  it("is repeated after a passing fault, and a connection that broke", async () => {
    for (const fault of ["502", "break"]) {
      let failed = false;
      place.pim.fault = (request, response) => {
        if (failed || !isLogin(request)) return false;
        failed = true;
        if (fault === "break") request.socket.destroy();
        else response.writeHead(502).end();
        return true;
      };
      await isFound(place.storage());
    }
  });

  it("that takes too long ends with the request, or by itself", async () => {
    place.pim.fault = isLogin;
    const controller = new AbortController();
    const asked = place.storage().open(CODE, { signal: controller.signal });
    controller.abort(new Error("nobody waits"));
    await assert.rejects(asked, /nobody waits/);

    const storage = place.storage({}, { timeout: 200, videoTimeout: 60_000 });
    const video = storage.open("media-files/a.mp4", { signal });
    await assert.rejects(video, { code: "ECONNREFUSED", outage: true });
    place.pim.fault = undefined;
    // A busy machine may be slower than its limit.
    await until(
      () =>
        isFound(storage).then(
          () => true,
          () => false,
        ),
      "the login is tried again",
    );
  });

  it("goes on when the PIM was away and comes back", async () => {
    const first = await startPim();
    const storage = place.storage({ baseUrl: first.url });
    await assert.rejects(storage.check?.(AbortSignal.abort()) ?? Promise.resolve());
    await storage.check?.(signal);
    await first.close();
    await assert.rejects(open(storage), { code: "ECONNREFUSED", outage: true });
    // Another process does not know the old tokens.
    const second = await startPim(first.port);
    try {
      second.files.set(CODE, { bytes: Buffer.from("bytes") });
      passTime(1_100);
      await isFound(storage);
      assert.equal(second.logins(), 1);
    } finally {
      await second.close();
    }
  });

  for (const [fields, message] of [
    [{ baseUrl: undefined }, /origins\.pim\.baseUrl/],
    [{ baseUrl: "pim.example.com" }, /baseUrl: Expected an http or https URL/],
    [{ baseUrl: "https://me:pass@pim.example.com" }, /baseUrl: Expected an http or https URL without user/],
    [{ clientId: "a:b" }, /clientId: Expected a client id without a colon/],
    [{ clientSecret: "" }, /clientSecret/],
    [{ username: undefined }, /username/],
    [{ pasword: "x" }, /did you mean "password"/],
  ] as const) {
    it(`cannot be configured as ${JSON.stringify(fields)}`, () => {
      assert.throws(
        () => place.storage(fields),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "ECONFIG");
          assert.match(error.message, message);
          assert(!error.message.includes(CREDENTIALS.clientSecret));
          return true;
        },
      );
    });
  }
});
