import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import { type Plugin, Stage } from "@mediatap/core";
import type { WebOrigin } from "@mediatap/test";
import { type Copies, noise, openPlace, type Place, plain, type Setting, seen } from "./server.ts";

describe("cache-source", () => {
  let place: Place;
  let origin: WebOrigin;
  let copies: Copies;
  beforeEach(async () => {
    place = await openPlace({ "a.png": plain(200), "b.png": plain(100) });
    ({ origin, copies } = place);
  });
  afterEach(() => place.close());

  const start = (setting?: Setting) => place.start(setting);

  it("asks the origin once, whatever is made of a file", async () => {
    const server = await start();
    for (const width of [10, 20, 30]) {
      const { status, body } = await server.ask(`/tr:w-${width},f-png/a.png`);
      assert.equal(status, 200);
      assert.deepEqual(await seen(body), { width, red: 200 });
      await copies.saved(1);
    }
    assert((await server.ask("/a.png?tr=orig-true")).body.equals(plain(200)));
    assert.equal(origin.requests.length, 1);
    const [bytes = ""] = await copies.bytes();
    assert((await copies.read(bytes)).equals(plain(200)));
  });

  it("keeps type, validators and what else the origin said", async () => {
    const headers = {
      "content-type": "text/plain; charset=utf-8",
      etag: 'W/"7"',
      "cache-control": "max-age=60",
    };
    origin.files.set("notes", { bytes: Buffer.from("notes"), headers });
    const server = await start();
    const first = await server.ask("/notes");
    await copies.saved(1);
    const second = await server.ask("/notes");
    assert.equal(second.text, "notes");
    for (const name of ["content-type", "etag", "last-modified", "cache-control", "content-length"]) {
      assert.ok(first.headers[name], name);
      assert.equal(second.headers[name], first.headers[name], name);
    }
    assert.equal(origin.requests.length, 1);
  });

  it("answers an ETag of before without the origin", async () => {
    const server = await start();
    const { headers } = await server.ask("/tr:w-10/a.png");
    await copies.saved(1);
    await origin.close();
    const again = await server.ask("/tr:w-10/a.png", {
      headers: { "if-none-match": headers.etag as string },
    });
    assert.equal(again.status, 304);
  });

  it("serves while the origin is down, also after a restart", async () => {
    const before = await start();
    await before.ask("/tr:w-10/a.png");
    await copies.saved(1);
    await before.close();
    await origin.close();
    const server = await start();
    const { status, headers, body } = await server.ask("/tr:w-20,f-png/a.png");
    assert.equal(status, 200);
    assert.equal(headers["x-mediatap-provenance"], undefined);
    assert.deepEqual(await seen(body), { width: 20, red: 200 });
    assert.equal((await server.ask("/tr:w-20/b.png")).status, 404);
  });

  it("shows in Server-Timing, in the log and in explain", async () => {
    const lines: string[] = [];
    const log = { level: "debug", stream: { write: (line: string) => lines.push(line) } };
    const { pino } = await import("pino");
    const server = await start({ log: pino({ level: log.level }, log.stream) });
    const first = await server.ask("/tr:w-10/a.png");
    assert.match(first.headers["server-timing"] ?? "", /cache-source;dur=[\d.]+;desc="miss"/);
    await copies.saved(1);
    const { headers } = await server.ask("/tr:w-11/a.png");
    assert.match(headers["server-timing"] ?? "", /cache-source;dur=[\d.]+;desc="hit"/);
    assert.doesNotMatch(headers["server-timing"] ?? "", /origin-1/);
    const line = lines.map((text) => JSON.parse(text)).find(({ outcome }) => outcome === "hit");
    assert.equal(line.plugin, "cache-source");
    assert.equal(line.origin, "site");
    assert.equal(line.path, "a.png");
  });

  it("asks once for many who come at the same time, and writes one copy", async () => {
    const server = await start();
    const paths = Array.from({ length: 12 }, (_, at) => `/tr:w-${(at % 4) + 10}/a.png`);
    for (const { status } of await Promise.all(paths.map((path) => server.ask(path))))
      assert.equal(status, 200);
    await copies.saved(1);
    assert.equal((await copies.bytes()).length, 1);
  });

  it("writes one copy of a large file that many stream at the same time", async () => {
    const bytes = randomBytes(3_000_000);
    origin.files.set("film.mp4", { bytes });
    const server = await start();
    const answers = await Promise.all(Array.from({ length: 5 }, () => server.ask("/film.mp4?tr=orig-true")));
    for (const { body } of answers) assert(body.equals(bytes));
    await copies.saved(1);
    assert.equal((await copies.bytes()).length, 1);
  });

  it("is shared by two processes", async () => {
    const [one, two] = [await start(), await start()];
    await Promise.all(
      [one, two].flatMap((server) => ["a", "b"].map((name) => server.ask(`/tr:w-10/${name}.png`))),
    );
    await copies.saved(2);
    const asked = origin.requests.length;
    for (const server of [one, two]) {
      for (const [name, red] of [
        ["a", 200],
        ["b", 100],
      ] as const) {
        assert.deepEqual(await seen((await server.ask(`/tr:w-20,f-png/${name}.png`)).body), {
          width: 20,
          red,
        });
      }
    }
    assert.equal(origin.requests.length, asked);
  });

  describe("originals", () => {
    const film = randomBytes(3_000_000);
    const whole = { headers: { range: "bytes=0-" } };

    beforeEach(() => origin.files.set("film.mp4", { bytes: film }));

    for (const [what, plugins] of [
      ["without a cache", []],
      ["with a cache of records", [cacheMemory()]],
    ] as const) {
      it(`are read whole and by range from the copy, ${what}`, async () => {
        const server = await start({ plugins });
        assert((await server.ask("/film.mp4")).body.equals(film));
        await copies.saved(1);
        await origin.close();
        assert((await server.ask("/film.mp4")).body.equals(film));
        const part = await server.ask("/film.mp4", { headers: { range: "bytes=1000000-1000099" } });
        assert.equal(part.status, 206);
        assert.equal(part.headers["content-range"], "bytes 1000000-1000099/3000000");
        assert(part.body.equals(film.subarray(1_000_000, 1_000_100)));
        assert.equal(
          (await server.ask("/film.mp4", { method: "HEAD" })).headers["content-length"],
          "3000000",
        );
      });
    }

    it("are local files for engines, if the copies are in a folder", async () => {
      const seenFiles: (string | undefined)[] = [];
      const spy: Plugin = {
        name: "spy",
        version: "1",
        apiVersion: 1,
        apply: ({ hooks }) =>
          hooks.transform.tap({ name: "spy", stage: Stage.first }, (_, source) => {
            seenFiles.push(source.file);
            return undefined;
          }),
      };
      const server = await start({ plugins: [spy] });
      for (const expected of [1, 2]) {
        assert((await server.ask("/film.mp4")).body.equals(film));
        await copies.saved(1);
        assert.equal(seenFiles.length, expected);
      }
      const [path = ""] = await copies.bytes();
      assert.deepEqual(seenFiles, [undefined, join(copies.path, path)]);
    });

    it("are kept when a player asks for all bytes as a range", async () => {
      const server = await start();
      const { status, body } = await server.ask("/film.mp4", whole);
      assert.equal(status, 206);
      assert(body.equals(film));
      await copies.saved(1);
      assert.equal(origin.requests.length, 1);
    });

    it("are not kept by parts, but with the first whole answer, whatever a cache knows by then", async () => {
      const server = await start({ plugins: [cacheMemory()] });
      for (const range of ["bytes=0-99", "bytes=2999900-"]) {
        assert.equal((await server.ask("/film.mp4", { headers: { range } })).body.length, 100);
      }
      assert.deepEqual(await copies.records(), []);
      assert((await server.ask("/film.mp4", whole)).body.equals(film));
      await copies.saved(1);
      const asked = origin.requests.length;
      assert((await server.ask("/film.mp4")).body.equals(film));
      assert.equal(origin.requests.length, asked);
    });

    it("are kept where the origin does not tell their length", async () => {
      origin.files.set("film.mp4", {
        answer(_, response) {
          response.write(film);
          response.end();
        },
      });
      const server = await start();
      const first = await server.ask("/film.mp4");
      assert(first.body.equals(film));
      assert.equal(first.headers["accept-ranges"], undefined);
      await copies.saved(1);
      const second = await server.ask("/film.mp4", { headers: { range: "bytes=5-9" } });
      assert(second.body.equals(film.subarray(5, 10)));
      assert.equal(origin.requests.length, 1);
    });
  });

  describe("of private files", () => {
    const headers = { "is-private-file": "true" };
    const config = { privateKey: "key", namedTransformations: { small: "w-10" } };

    it("keeps them private", async () => {
      origin.files.set("secret.png", { bytes: plain(200), headers });
      const server = await start({ config });
      assert.equal((await server.ask("/tr:w-20/secret.png")).status, 401);
      assert.deepEqual(await copies.records(), []);
      assert.equal((await server.ask("/tr:n-small/secret.png")).status, 200);
      await copies.saved(1);
      const asked = origin.requests.length;
      assert.equal((await server.ask("/tr:w-20/secret.png")).status, 401);
      const { status, headers: sent } = await server.ask("/tr:n-small/secret.png");
      assert.equal(status, 200);
      assert.match(sent["cache-control"] ?? "", /^private/);
      assert.equal(origin.requests.length, asked);
    });
  });

  for (const [cacheControl, kept] of [
    ["no-store", false],
    ["max-age=60, private", false],
    ['private="set-cookie"', false],
    ["public, max-age=60", true],
    ["no-cache", true],
    ["x-private-y", true],
  ] as const) {
    it(`${kept ? "keeps" : "does not keep"} what comes with Cache-Control: ${cacheControl}`, async () => {
      origin.files.set("c.png", { bytes: plain(50), headers: { "cache-control": cacheControl } });
      const server = await start();
      assert.equal((await server.ask("/tr:w-10/c.png")).status, 200);
      await server.ask("/tr:w-10/a.png");
      await copies.saved(kept ? 2 : 1);
      await server.ask("/tr:w-20/c.png");
      assert.equal(origin.count("c.png"), kept && cacheControl !== "no-cache" ? 1 : 2);
    });
  }

  it("keeps a file as it is under any name", async () => {
    const server = await start();
    const names = [
      "with space.png",
      "%2e%2e%2f.png",
      "é.png",
      "e\u0301.png",
      "UPPER.png",
      "upper.png",
      "a:b@c.png",
    ];
    for (const [at, name] of names.entries()) origin.files.set(name, { bytes: plain(10 + at) });
    const ask = async (name: string) =>
      (await seen((await server.ask(`/${encodeURIComponent(name)}?tr=f-png`)).body)).red;
    for (const [at, name] of names.entries()) assert.equal(await ask(name), 10 + at, name);
    await copies.saved(names.length);
    await origin.close();
    for (const [at, name] of names.entries()) assert.equal(await ask(name), 10 + at, name);
    assert.doesNotMatch((await copies.bytes()).join(), /UPPER|space|\.png/);
  });

  it("keeps a large picture that is only looked at once", async () => {
    const bytes = noise(2_000_000);
    origin.files.set("large.png", { bytes });
    const server = await start();
    assert.equal((await seen((await server.ask("/tr:w-30/large.png")).body)).width, 30);
    await copies.saved(1);
    assert((await server.ask("/large.png?tr=orig-true")).body.equals(bytes));
    assert.equal(origin.requests.length, 1);
  });
});
