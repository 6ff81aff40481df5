import assert from "node:assert/strict";
import type { MediatapConfig } from "@mediatap/core";
import { type OriginFile, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { photo, seen } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_key_of_the_fallback";

/** What an origin does with a file that it should have, and the failure that tells of it. */
const gone: OriginFile = { answer: (_, response) => response.writeHead(404).end() };
const denied: OriginFile = { answer: (_, response) => response.writeHead(403).end() };
const broken: OriginFile = { answer: (_, response) => response.writeHead(500).end() };
const hangsUp: OriginFile = { answer: (_, response) => response.destroy() };
const page: OriginFile = {
  answer: (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
};
const cut: OriginFile = {
  answer(_, response) {
    response.writeHead(200, { "content-length": 1000, "content-type": "image/jpeg" });
    response.write("abc", () => response.destroy());
  },
};
const FAILURES = { ECONNREFUSED: hangsUp, EACCES: denied, UNIDENTIFIED: broken, ENOENT: gone } as const;

describe("an endpoint of several origins", () => {
  let origins: WebOrigin[];
  let server: TestServer | undefined;
  const names = ["first", "second", "third"] as const;

  beforeEach(async () => {
    origins = await Promise.all(names.map(() => startOrigin()));
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    for (const origin of origins) await origin.close();
  });

  const config = (more: Partial<MediatapConfig> = {}): MediatapConfig => ({
    plugins: usual(),
    origins: Object.fromEntries(
      names.map((name, at) => [name, { type: "WEB_FOLDER", baseUrl: `${origins[at]?.url}/${name}` }]),
    ),
    endpoints: { default: { origins: [...names] } },
    ...more,
  });

  /** Files of the origins, in their order; each origin has them under a base path of its own. */
  function give(path: string, ...files: (OriginFile | Uint8Array | undefined)[]): void {
    for (const [at, file] of files.entries()) {
      if (file === undefined) continue;
      const at1 = `${names[at]}/${path}`;
      origins[at]?.files.set(at1, file instanceof Uint8Array ? { bytes: file } : file);
    }
  }

  async function ask(path: string, more?: Partial<MediatapConfig>) {
    server ??= await startServer(config(more));
    return server.ask(path);
  }

  const asked = () => origins.map(({ requests }) => requests.length);

  it("asks them in their order and stops at the first that has the file", async () => {
    give("a.jpg", undefined, await photo(60, 40), await photo(60, 80));
    const answer = await ask("/tr:w-30/a.jpg");
    assert.equal((await seen(answer.body)).height, 20);
    assert.deepEqual(asked(), [1, 1, 0]);
    assert.deepEqual(
      origins.slice(0, 2).map(({ requests }) => requests[0]?.url),
      ["/first/a.jpg", "/second/a.jpg"],
    );
  });

  it("asks its library before all others, wherever it stands", async () => {
    give("a.jpg", await photo(60, 40), undefined, await photo(60, 80));
    const answer = await ask("/tr:w-30/a.jpg", {
      endpoints: { default: { origins: [...names], library: "third" } },
    });
    assert.equal((await seen(answer.body)).height, 40);
    assert.deepEqual(asked(), [0, 0, 1]);
  });

  for (const [what, file] of Object.entries({
    gone,
    denied,
    broken,
    "a page": page,
    cut,
    "hanging up": hangsUp,
  })) {
    it(`goes on to the next where one is ${what}`, async () => {
      give("a.jpg", file, await photo(60, 40));
      const answer = await ask("/tr:w-30/a.jpg");
      assert.equal(answer.status, 200, answer.headers["ik-error"]);
      assert.equal((await seen(answer.body)).height, 20);
      assert.equal(answer.headers["x-mediatap-provenance"], undefined);
      const original = await ask("/a.jpg?tr=orig-true");
      assert.equal((await seen(original.body)).width, 60);
    });
  }

  it("goes on more than once where what they send breaks off, and keeps to the one that has it whole", async () => {
    give("a.jpg", cut, cut, await photo(60, 40));
    assert.equal((await ask("/tr:w-30/a.jpg")).status, 200);
    const asks = asked();
    assert.equal((await ask("/tr:w-30/a.jpg")).status, 200);
    assert.deepEqual(asked(), asks);
    give("b.jpg", cut, cut, cut);
    assert.match((await ask("/tr:w-30/b.jpg")).headers["ik-error"] ?? "", /^UNIDENTIFIED /);
  });

  it("does not go on where the picture itself is wrong: another may be older, not better", async () => {
    give("a.jpg", Buffer.from("this is no picture"), await photo(60, 40));
    assert.equal((await ask("/tr:w-30/a.jpg")).status, 400);
    assert.deepEqual(asked(), [1, 0, 0]);
  });

  describe("without the file", () => {
    const codes = Object.keys(FAILURES) as (keyof typeof FAILURES)[];
    // As the design has it: the failure that the operator can do most about.
    const order = ["EACCES", "ECONNREFUSED", "UNIDENTIFIED", "ENOENT"];
    for (const a of codes)
      for (const b of codes) {
        const worst = order.find((code) => code === a || code === b);
        it(`says ${worst} for ${a}, then ${b}`, async () => {
          give("a.jpg", FAILURES[a], FAILURES[b]);
          const answer = await ask("/tr:w-30/a.jpg");
          assert.equal(answer.status, 404);
          assert.equal(answer.headers["ik-error"]?.split(" ")[0], worst);
          assert.match(answer.text, /^Not Found: /);
          assert.equal(origins[2]?.requests.length, 1);
        });
      }

    it("gives the default image, found in the same order", async () => {
      give("a.jpg", gone, denied);
      give("di.png", undefined, broken, await photo(50, 50, "png"));
      const answer = await ask("/tr:w-10,di-di.png/a.jpg");
      assert.equal(answer.status, 200);
      assert.equal((await seen(answer.body)).height, 10);
      assert.equal(answer.headers["x-mediatap-provenance"], "fallback");
    });
  });

  describe("with a private file", () => {
    const mark = { "x-amz-meta-isprivatefile": "true" };

    it("wants a signature, whichever origin says so", async () => {
      give("a.jpg", gone, { bytes: await photo(60, 40), headers: mark });
      const own = { privateKey: KEY };
      const refused = await ask("/tr:w-30/a.jpg", own);
      assert.equal(refused.status, 401);
      assert.match(refused.headers["ik-error"] ?? "", /^ESIGNATURE /);
      assert.equal((await ask(signed("/tr:w-30/a.jpg", KEY), own)).status, 200);
      assert.equal((await ask("/tr:w-30/a.jpg", own)).status, 401);
    });

    it("does not go on to an open copy of the next one", async () => {
      give("a.jpg", { bytes: await photo(60, 40), headers: mark }, await photo(60, 80));
      assert.equal((await ask("/tr:w-30/a.jpg", { privateKey: KEY })).status, 401);
      assert.deepEqual(asked(), [1, 0, 0]);
    });

    it("does not show it as a default image", async () => {
      give("di.jpg", { bytes: await photo(60, 40), headers: mark });
      const answer = await ask("/tr:w-30,di-di.jpg/missing.jpg", { privateKey: KEY });
      assert.equal(answer.status, 404);
      const open = await ask(signed("/tr:w-30,di-di.jpg/missing.jpg", KEY), { privateKey: KEY });
      assert.equal(open.status, 200);
    });
  });
});
