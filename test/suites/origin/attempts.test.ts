import assert from "node:assert/strict";
import type { MediatapConfig } from "@mediatap/core";
import { startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { pino } from "pino";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

type Line = Readonly<Record<string, unknown>>;

/** `name;dur=1.0;desc="…"` of each entry, without the times. */
function timings(header = ""): string[] {
  return header.split(", ").map((entry) => entry.replace(/;dur=[\d.]+/, ""));
}

describe("each attempt at an origin", () => {
  let first: WebOrigin;
  let second: WebOrigin;
  let server: TestServer;
  let lines: Line[];

  beforeEach(async () => {
    first = await startOrigin({
      "denied.jpg": { answer: (_, response) => response.writeHead(403).end() },
      "broken.jpg": { answer: (_, response) => response.writeHead(500).end() },
      "away.jpg": {
        answer: (_, response) => response.writeHead(302, { location: "http://169.254.169.254/x" }).end(),
      },
      "cut.bin": {
        answer(_, response) {
          response.writeHead(200, { "content-length": 9_000_000 });
          response.write(Buffer.alloc(2_000_000), () => response.destroy());
        },
      },
    });
    second = await startOrigin({ "denied.jpg": await photo(60, 40), "only.jpg": await photo(60, 40) });
    server = await start();
  });
  afterEach(async () => {
    await server.close();
    await first.close();
    await second.close();
  });

  async function start(more: Partial<MediatapConfig> = {}): Promise<TestServer> {
    lines = [];
    const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const config: MediatapConfig = {
      plugins: usual(),
      origins: {
        shop: { type: "WEB_FOLDER", baseUrl: first.url },
        archive: { type: "WEB_FOLDER", baseUrl: second.url },
      },
      endpoints: { default: { origins: ["shop", "archive"] } },
      ...more,
    };
    return startServer(config, { log: log as never });
  }

  async function restart(more: Partial<MediatapConfig>) {
    await server.close();
    server = await start(more);
  }

  const warnings = () => lines.filter(({ level }) => level === 40);
  const tried = () =>
    lines.filter(({ outcome }) => outcome).map(({ origin, outcome }) => `${origin} ${outcome}`);

  it("is told in Server-Timing, by the origin's place and not its name", async () => {
    for (const [path, attempts] of [
      ["/tr:w-30/only.jpg", ['origin-1;desc="not here"', 'origin-2;desc="found"']],
      ["/tr:w-30/denied.jpg", ['origin-1;desc="failed EACCES"', 'origin-2;desc="found"']],
      ["/tr:w-30/broken.jpg", ['origin-1;desc="failed UNIDENTIFIED"', 'origin-2;desc="not here"']],
      ["/tr:w-30/missing.jpg", ['origin-1;desc="not here"', 'origin-2;desc="not here"']],
      ["/tr:w-31,di-only.jpg/none.jpg", ['origin-1;desc="not here"', 'origin-2;desc="not here + found"']],
    ] as const) {
      const { headers } = await server.ask(path);
      const said = timings(headers["server-timing"]);
      assert.deepEqual(
        said.filter((entry) => entry.startsWith("origin-")),
        attempts,
        path,
      );
      assert.doesNotMatch(JSON.stringify(headers), /shop|archive/);
    }
    const hit = await server.ask("/tr:w-30/only.jpg");
    assert.doesNotMatch(hit.headers["server-timing"] ?? "", /origin-/);
  });

  it("has a line in the log: a warning with its reason where the origin failed", async () => {
    await server.ask("/tr:w-30/denied.jpg");
    assert.deepEqual(tried(), ["shop failed EACCES", "archive found"]);
    const [warning, ...others] = warnings();
    assert.deepEqual(others, []);
    assert.equal(warning?.msg, "an origin failed");
    assert.equal(warning?.path, "denied.jpg");
    assert.match(String(warning?.reason), /denies access/);
    assert.match(String(warning?.key), /^.{20,}$/);
    await server.ask("/tr:w-30/missing.jpg");
    assert.equal(warnings().length, 1);
  });

  it("is found in the log by the request that got no file, also when that is remembered", async () => {
    for (const _ of ["first", "remembered"]) {
      const { headers } = await server.ask("/tr:w-30/broken.jpg");
      const line = lines.find(({ id }) => id === headers["x-request-id"]);
      assert.equal(line?.code, "UNIDENTIFIED");
      assert.equal(line?.url, "/tr:w-30/broken.jpg");
      assert(warnings().some(({ key, origin }) => key === line?.key && origin === "shop"));
    }
    assert.equal(first.count("broken.jpg"), 1);
    await server.ask("/tr:w-30/missing.jpg");
    assert(!lines.some(({ url }) => url === "/tr:w-30/missing.jpg"));
  });

  it("has a warning of its own where the guard refused an address", async () => {
    await server.ask("/tr:w-30/away.jpg");
    const [warning] = warnings();
    assert.equal(warning?.msg, "an address of an origin was refused");
    assert.match(String(warning?.reason), /address 169\.254\.169\.254/);
  });

  it("has a warning where an original breaks off while it is sent", async () => {
    await assert.rejects(server.ask("/cut.bin"));
    assert(
      warnings().some(
        ({ msg, origin }) => msg === "the response of an origin was truncated" && origin === "shop",
      ),
    );
  });

  it("shows every request to an origin at level debug, with redirects and retries, and no query", async () => {
    first.files.set("moved.jpg", {
      answer: (_, response) => response.writeHead(302, { location: "/there.jpg?sig=s3cret" }).end(),
    });
    let asks = 0;
    first.files.set("there.jpg", {
      answer: (_, response) => (++asks === 1 ? response.destroy() : response.writeHead(404).end()),
    });
    await server.ask("/moved.jpg?v=1");
    const requests = lines.filter(({ msg }) => msg === "a request to an origin");
    assert.deepEqual(
      requests.map(({ status, attempt }) => [status, attempt]),
      [
        [302, 1],
        [undefined, 1],
        [404, 2],
        [404, 1],
      ],
    );
    assert.equal(new Set(requests.map(({ trace }) => trace)).size, 1);
    assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
  });

  describe("carries", () => {
    const heard = (origin: WebOrigin) => origin.requests.at(-1)?.headers ?? {};

    it("who asks: x-req-from, a user agent, the mark against loops", async () => {
      await server.ask("/only.jpg");
      assert.equal(heard(second)["x-req-from"], "mediatap");
      assert.equal(heard(second)["user-agent"], "mediatap");
      assert.match(String(heard(second)["cdn-loop"]), /^mediatap; id=\w+$/);
      await restart({ requestFrom: "imagekit" });
      await server.ask("/only.jpg");
      assert.equal(heard(second)["x-req-from"], "imagekit");
    });

    it("the trace of the request that began the work, in a span of its own", async () => {
      const id = "4bf92f3577b34da6a3ce929d0e0e4736";
      const traceparent = `00-${id}-00f067aa0ba902b7-01`;
      await server.ask("/tr:w-30/only.jpg", { headers: { traceparent, tracestate: "vendor=secret" } });
      const spans = [heard(first), heard(second)].map((headers) => {
        assert.equal(headers.tracestate, undefined);
        const [, trace, span, flags] = String(headers.traceparent).split("-");
        assert.deepEqual([trace, flags], [id, "01"]);
        return span;
      });
      assert.equal(new Set([...spans, "00f067aa0ba902b7"]).size, 3);
      assert(lines.some(({ trace, outcome }) => trace === id && outcome === "found"));
    });

    it("a trace of its own where the client has none, or nonsense", async () => {
      for (const traceparent of ["", "00-evil", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`]) {
        await server.ask(
          `/only.jpg?v=${traceparent}`,
          traceparent === "" ? {} : { headers: { traceparent } },
        );
        assert.match(String(heard(second).traceparent), /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-00$/);
      }
    });

    it("nothing else of the client's", async () => {
      const theirs = {
        accept: "image/avif",
        "accept-language": "de",
        authorization: "Bearer theirs",
        cookie: "theirs=1",
        forwarded: "for=192.0.2.7",
        "if-none-match": '"theirs"',
        origin: "https://theirs.example",
        "proxy-authorization": "theirs",
        range: "bytes=0-3",
        referer: "https://theirs.example/",
        "user-agent": "theirs",
        via: "1.1 theirs",
        "x-forwarded-for": "192.0.2.7",
        "x-api-key": "theirs",
        "x-req-from": "theirs",
      };
      await server.ask("/tr:w-30/only.jpg", { headers: theirs });
      assert.deepEqual(Object.keys(heard(second)).sort(), [
        "accept",
        "accept-encoding",
        "cdn-loop",
        "connection",
        "host",
        "traceparent",
        "user-agent",
        "x-req-from",
      ]);
      assert.doesNotMatch(JSON.stringify(heard(second)), /theirs|192\.0\.2\.7|avif/);
    });
  });
});
