import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { NOT_MODIFIED, type OpenOptions } from "@mediatap/core/storage";
import fc from "fast-check";
import { isLogin } from "./pim.ts";
import { openPlace, type Place } from "./places.ts";

describe("the files of a PIM", () => {
  let place: Place;
  beforeEach(async () => {
    place = await openPlace();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const signal = new AbortController().signal;
  async function read(
    path: string,
    options: Partial<OpenOptions> = {},
    storage = place.storage(),
  ): Promise<Buffer> {
    const entry = await storage.open(path, { signal, ...options });
    assert(entry && entry !== NOT_MODIFIED, `${path} is found`);
    return buffer(await entry.body());
  }
  /** Answers what is not a login in another way. */
  function misbehave(fault: (request: IncomingMessage, response: ServerResponse) => boolean): void {
    place.pim.fault = (request, response) => !isLogin(request) && fault(request, response);
  }
  const asked = () => place.pim.requests.filter((request) => !isLogin(request)).map(({ url }) => url);

  it("have codes with slashes, which stand in the address as they are", async () => {
    for (const [path, url] of [
      ["media-files/f/2/e/6/f2e6_a b.jpg", "media-files/f/2/e/6/f2e6_a%20b.jpg/download"],
      ["asset-media-files/0/2/3/5/0235_pic.jpg", "asset-media-files/0/2/3/5/0235_pic.jpg"],
      ["reference-entities-media-files/4/a/b_p.png", "reference-entities-media-files/4/a/b_p.png"],
    ] as const) {
      place.pim.files.set(path, { bytes: Buffer.from(path) });
      assert.equal((await read(path)).toString(), path);
      assert.equal(asked().at(-1), `/api/rest/v1/${url}`);
    }
  });

  it("are of the three families and no other", async () => {
    const storage = place.storage();
    for (const path of [
      "media-files",
      "asset-media-files/",
      "products/1",
      "media-files/../products/1",
      "media-files//a",
      "__proto__/a",
      "constructor/a",
      "",
    ]) {
      assert.equal(await storage.open(path, { signal }), undefined, path);
    }
    assert.equal(place.pim.requests.length, 0, "nobody was asked");
  });

  it("are asked for by exactly their code, whatever the path", async () => {
    const storage = place.storage();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), async (code) => {
        const before = asked().length;
        await storage.open(`media-files/${code}`, { signal, head: true });
        for (const url of asked().slice(before)) {
          const name = /^\/api\/rest\/v1\/media-files\/([^?#]+)\/download$/.exec(url ?? "")?.[1];
          assert.equal(decodeURIComponent(name ?? ""), code);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("carry who asks", async () => {
    await place.storage().open("media-files/a.txt", { signal });
    assert.deepEqual(
      place.pim.requests.map(({ headers }) => headers["x-req-from"]),
      ["mediatap", "mediatap"],
    );
  });

  for (const [status, code, outage, requests] of [
    [403, "EACCES", false, 1],
    [406, "UNIDENTIFIED", false, 1],
    [429, "UNIDENTIFIED", true, 1],
    [500, "UNIDENTIFIED", true, 3],
    [503, "UNIDENTIFIED", true, 3],
  ] as const) {
    it(`fail with ${code} where the PIM answers ${status}`, async () => {
      misbehave((_, response) => {
        response.writeHead(status).end();
        return true;
      });
      await assert.rejects(read("media-files/a.txt"), { code, outage });
      assert.equal(asked().length, requests);
    });
  }

  it("come after a passing fault, and after the time that a busy PIM asks for", async () => {
    place.pim.files.set("media-files/a.txt", { bytes: Buffer.from("a") });
    for (const [status, headers] of [
      [500, {}],
      [429, { "retry-after": "0" }],
    ] as const) {
      let failed = false;
      misbehave((_, response) => {
        if (failed) return false;
        failed = true;
        response.writeHead(status, headers).end();
        return true;
      });
      assert.equal((await read("media-files/a.txt")).toString(), "a");
    }
  });

  it("that break off or stall fail, and never end early", async () => {
    for (const end of [(response: ServerResponse) => response.destroy(), () => undefined]) {
      misbehave((_, response) => {
        response.writeHead(200, { "content-type": "application/octet-stream" });
        response.write(randomBytes(100_000), () => end(response));
        return true;
      });
      const hasty = place.storage({}, {}, true);
      await assert.rejects(read("media-files/a.txt", {}, hasty), { code: "UNIDENTIFIED", outage: true });
    }
  });

  it("that are pages instead of pictures fail", async () => {
    place.pim.files.set("media-files/a.png", { bytes: Buffer.from("<html>"), type: "text/html" });
    await assert.rejects(read("media-files/a.png"), { code: "UNIDENTIFIED" });
  });

  it("are cut out of what the API sends, which knows no ranges", async () => {
    const bytes = randomBytes(300_000);
    place.pim.files.set("asset-media-files/a.bin", { bytes });
    const part = await read("asset-media-files/a.bin", { range: { start: 1_000, end: 1_999 } });
    assert(bytes.subarray(1_000, 2_000).equals(part));
  });

  it("let a check pass, unless the API is closed to the user", async () => {
    const storage = place.storage();
    await storage.check?.(signal);
    misbehave((_, response) => {
      response.writeHead(403).end();
      return true;
    });
    await assert.rejects(async () => storage.check?.(signal), { code: "EACCES" });
  });
});
