import assert from "node:assert/strict";
import type { RequestListener, ServerResponse } from "node:http";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import {
  passTime,
  resetTime,
  startOrigin,
  startServer,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { timing } from "@mediatap/timing";
import { urlImagekit } from "@mediatap/url-imagekit";
import { photo, seen } from "../support/photos.ts";
import { seeded } from "../support/random.ts";

const FAILURES = 3;
interface Settings {
  readonly hedge?: number;
  readonly limits?: MediatapConfig["limits"];
}

/** How long an origin is skipped, in milliseconds: longer than a test takes. */
const SKIPPED_MS = 600_000;

describe("an origin that is down", () => {
  let main: WebOrigin;
  let spare: WebOrigin;
  let server: TestServer;
  let behaviour: RequestListener;
  let number: number;

  beforeEach(async () => {
    number = 0;
    const picture = await photo(60, 40);
    main = await startOrigin();
    behaviour = broken;
    // Whatever is asked for: each test asks for names of its own.
    main.files.get = () => ({ answer: (request, response) => behaviour(request, response) });
    spare = await startOrigin();
    spare.files.get = () => ({ bytes: picture });
  });
  afterEach(async () => {
    resetTime();
    await server.close();
    await main.close();
    await spare.close();
  });

  const broken: RequestListener = (_, response) => void response.writeHead(500).end();
  const missing: RequestListener = (_, response) => void response.writeHead(404).end();
  const says =
    (status: number, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      void response.writeHead(status, headers).end();

  /** Without a cache: every request reaches the origins, or their breakers. */
  async function start(
    settings: Parameters<typeof storageWeb>[0] = { retries: 0 },
    { limits = {}, ...more }: Settings = {},
  ) {
    const config: MediatapConfig = {
      plugins: [urlImagekit(), storageWeb(settings), imageSharp(), timing()],
      origins: {
        main: { type: "WEB_FOLDER", baseUrl: main.url, ...more },
        spare: { type: "WEB_FOLDER", baseUrl: spare.url },
      },
      endpoints: { default: { origins: ["main", "spare"] }, alone: { origins: ["main"] } },
      limits: {
        breakerFailures: FAILURES,
        breakerRequests: FAILURES,
        breakerOpen: SKIPPED_MS,
        breakerWindow: 600_000,
        ...limits,
      },
    };
    server = await startServer(config);
  }

  const ask = (prefix = "") => server.ask(`${prefix}/tr:w-30/${++number}.jpg`);
  const states = async () => JSON.parse((await server.ask("/-/ready?verbose")).text).origins;

  it("is skipped for a while after some failures; the next one serves meanwhile", async () => {
    await start();
    for (let i = 0; i < FAILURES; i++) assert.equal((await ask()).status, 200);
    assert.equal(main.requests.length, FAILURES);
    assert.deepEqual(await states(), { main: "open", spare: "closed" });
    const answer = await ask();
    assert.equal((await seen(answer.body)).width, 30);
    assert.match(answer.headers["server-timing"] ?? "", /origin-1;dur=[\d.]+;desc="skipped"/);
    assert.equal(main.requests.length, FAILURES);
  });

  it("is probed by one request at a time, and comes back with its answers", async () => {
    await start();
    for (let i = 0; i < FAILURES; i++) await ask();
    passTime(SKIPPED_MS);
    assert.equal((await states()).main, "half-open");
    let held: ServerResponse | undefined;
    behaviour = (_, response) => {
      held = response;
    };
    const probe = ask();
    await until(() => held !== undefined, "one request goes through");
    // Who comes meanwhile does not wait for the probe.
    assert.equal((await ask()).status, 200);
    assert.equal(main.requests.length, FAILURES + 1);
    behaviour = missing;
    held?.writeHead(404).end();
    assert.equal((await probe).status, 200);
    for (let answered = 1; answered < 4; answered++) {
      assert.equal((await states()).main, "half-open");
      await ask();
    }
    assert.equal((await states()).main, "closed");
    await ask();
    assert.equal(main.requests.length, FAILURES + 5);
  });

  it("is skipped again where its probes fail", async () => {
    await start();
    for (let i = 0; i < FAILURES; i++) await ask();
    passTime(SKIPPED_MS);
    for (let i = 0; i < 3; i++) await ask();
    assert.equal(main.requests.length, FAILURES + 3);
    assert.notEqual((await states()).main, "closed");
  });

  it("gives the failure that it was skipped for, where no other has the file", async () => {
    await start();
    for (let i = 0; i < FAILURES + 2; i++) {
      const answer = await ask("/alone");
      assert.equal(answer.status, 404);
      assert.match(answer.headers["ik-error"] ?? "", /^UNIDENTIFIED - The origin responded with status 500$/);
    }
    assert.equal(main.requests.length, FAILURES);
  });

  it("makes no server unready", async () => {
    await start();
    for (let i = 0; i < FAILURES; i++) await ask("/alone");
    assert.equal((await server.ask("/-/ready?verbose")).status, 200);
    assert.equal((await server.ask("/-/ready")).text, "ready\n");
  });

  for (const [what, work] of [
    ["files that are missing", missing],
    ["files that are denied", says(403)],
    ["requests that it refuses", says(400)],
    ["redirects to nowhere", says(302)],
    ["redirects to where it must not lead", says(302, { location: "http://10.0.0.1/" })],
    ["pages in place of pictures", says(200, { "content-type": "text/html" })],
  ] as const) {
    it(`is not made of ${what}`, async () => {
      await start();
      behaviour = work;
      for (let i = 0; i < FAILURES * 2; i++) await ask();
      assert.equal(main.requests.length, FAILURES * 2);
      assert.equal((await states()).main, "closed");
    });
  }

  it("counts as one that hangs up, stalls or breaks off", async () => {
    await start({ retries: 0, timeout: 3_000 });
    for (const work of [
      ((_, response) => void response.destroy()) satisfies RequestListener,
      (() => {}) satisfies RequestListener,
      ((_, response) => {
        response.writeHead(200, { "content-length": 100 }).write("x", () => response.destroy());
      }) satisfies RequestListener,
    ]) {
      behaviour = work;
      assert.equal((await ask()).status, 200);
    }
    assert.equal((await states()).main, "open");
  });

  for (const status of [429, 503]) {
    it(`is not asked again for the file alone that it refused with ${status} and Retry-After`, async () => {
      await start({ retries: 2 }, { limits: { breakerRequests: 10 } });
      const picture = await photo(60, 80);
      behaviour = (request, response) => {
        if (request.url === "/busy.jpg") response.writeHead(status, { "retry-after": "3600" }).end();
        else response.writeHead(200, { "content-type": "image/jpeg" }).end(picture);
      };
      for (const path of ["/alone/busy.jpg", "/alone/tr:w-30/busy.jpg", "/alone/tr:w-31/busy.jpg"]) {
        const answer = await server.ask(path);
        assert.equal(answer.status, 404);
        assert.equal(answer.headers["ik-error"], `UNIDENTIFIED - The origin responded with status ${status}`);
        assert.match(answer.headers["cache-control"] ?? "", /max-age=(30|2\d)$/);
        assert.match(answer.headers["retry-after"] ?? "", /^(30|2\d)$/);
      }
      assert.equal(main.count("busy.jpg"), 1);
      assert.equal((await server.ask("/tr:w-30/busy.jpg")).status, 200, "the next origin has it");
      assert.equal(main.count("busy.jpg"), 1);
      assert.equal((await states()).main, "closed");
      for (let i = 0; i < 20; i++) assert.equal((await ask("/alone")).status, 200);
    });
  }

  it("is asked again for a file when the time is over that it asked for, after 30 seconds at most", async () => {
    await start({ retries: 0 });
    behaviour = says(429, { "retry-after": "3600" });
    assert.equal((await server.ask("/alone/busy.jpg")).status, 404);
    passTime(20_000);
    await server.ask("/alone/busy.jpg");
    assert.equal(main.count("busy.jpg"), 1);
    passTime(10_001);
    await server.ask("/alone/busy.jpg");
    assert.equal(main.count("busy.jpg"), 2);
  });

  it("that fails half its answers at random is served at 95 % and more", async () => {
    await start({}, { limits: { breakerFailures: 5, breakerRequests: 10 } });
    const picture = await photo(60, 80);
    const random = seeded();
    behaviour = (_, response) => {
      if (random() < 0.5) response.writeHead([500, 502, 503, 504][Math.floor(random() * 4)] as number).end();
      else response.writeHead(200, { "content-type": "image/jpeg" }).end(picture);
    };
    const total = 400;
    let served = 0;
    const client = async () => {
      while (number < total) if ((await ask("/alone")).status === 200) served++;
    };
    await Promise.all(Array.from({ length: 20 }, client));
    assert(served >= 0.95 * total, `${served} of ${total}`);
    // A retry for each failure, and little more.
    assert(main.requests.length < 2.3 * total, `${main.requests.length} requests`);
    assert.equal((await states()).main, "closed");
  });

  describe("in passing", () => {
    it("is asked again, twice", async () => {
      await start({ retries: 2 });
      let asks = 0;
      behaviour = async (_, response) => {
        if (++asks <= 2) response.writeHead(502).end();
        else response.writeHead(200, { "content-type": "image/jpeg" }).end(await photo(60, 80));
      };
      const { body } = await ask();
      assert.equal((await seen(body)).height, 40);
      assert.equal(asks, 3);
      assert.equal(spare.requests.length, 0);
    });

    it("is not asked again for what will not change", async () => {
      await start({ retries: 2 });
      for (const status of [400, 401, 403, 404, 410, 429]) {
        behaviour = says(status);
        const before = main.requests.length;
        await ask("/alone");
        assert.equal(main.requests.length, before + 1, String(status));
      }
    });

    it("costs a tenth more requests in the long run, not three times as many", async () => {
      // The breaker must not be what spares the origin.
      await start({ retries: 2 }, { limits: { breakerRequests: 1_000 } });
      for (let i = 0; i < 80; i++) await ask("/alone");
      // 80 requests, ten retries saved up, a tenth of a retry more with each request.
      assert(main.requests.length > 80 + 10, `${main.requests.length} requests`);
      assert(main.requests.length <= 80 + 10 + 8, `${main.requests.length} requests`);
    });
  });

  describe("that is slow", () => {
    const picture =
      (height: number): RequestListener =>
      async (_, response) => {
        response.writeHead(200, { "content-type": "image/jpeg" }).end(await photo(60, height));
      };

    it("is asked a second time beside the first, where that is configured", async () => {
      await start({ retries: 0 }, { hedge: 50 });
      let asks = 0;
      const waiting: ServerResponse[] = [];
      behaviour = (request, response) => {
        if (++asks === 1) waiting.push(response);
        else picture(80)(request, response);
      };
      const { body } = await ask();
      assert.equal((await seen(body)).height, 40);
      assert.equal(asks, 2);
      await until(() => waiting[0]?.destroyed === true, "the slow attempt is given up");
      assert.equal((await states()).main, "closed");
    });

    it("is asked once where it answers soon, and where hedging is off", async () => {
      await start({ retries: 0 }, { hedge: 60_000 });
      behaviour = picture(80);
      assert.equal((await ask()).status, 200);
      assert.equal(main.requests.length, 1);
      await server.close();
      await start();
      const waiting: (() => void)[] = [];
      behaviour = (request, response) => void waiting.push(() => picture(80)(request, response));
      const answer = ask();
      await until(() => waiting.length === 1, "it is asked");
      passTime(60_000);
      assert.equal((await server.ask("/-/live")).status, 200);
      waiting[0]?.();
      assert.equal((await seen((await answer).body)).height, 40);
      assert.equal(main.requests.length, 2);
    });

    it("fails only when both attempts have failed", async () => {
      await start({ retries: 0 }, { hedge: 50 });
      const waiting: ServerResponse[] = [];
      behaviour = (_, response) => {
        waiting.push(response);
        // The second fails at once, the first answers after that.
        if (waiting.length === 2) response.writeHead(500).end(() => picture(80)(_, waiting[0] as never));
      };
      assert.equal((await seen((await ask()).body)).height, 40);
      assert.equal(spare.requests.length, 0);
    });
  });
});
