import assert from "node:assert/strict";
import { fetcherWith, type Server, serve } from "./servers.ts";

const refusal = { code: "EACCES", message: "The origin's address is not allowed" };
const own = {
  authorization: "Basic c2VjcmV0",
  Cookie: "secret=1",
  "X-Api-Key": "secret",
  range: "bytes=0-9",
  "if-none-match": '"x"',
};

describe("a redirect", () => {
  let canary: Server;
  let origin: Server;
  let location: string | undefined;
  let status: number;
  beforeEach(async () => {
    status = 302;
    canary = await serve((_, response) => response.end("canary"));
    origin = await serve(({ url }, response) => {
      if (url === "/end") return void response.end("end");
      response.writeHead(status, location === undefined ? {} : { location }).end("moved");
    });
  });
  afterEach(async () => {
    await canary[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });

  it("is judged again: to another port of the same host", async () => {
    await using fetcher = fetcherWith();
    location = canary.url;
    await assert.rejects(fetcher.fetch(origin.url, { trusted: origin.url, ports: [canary.port] }), refusal);
    assert.equal(canary.connections(), 0);
  });

  it("is judged again: by scheme, user and address", async () => {
    await using fetcher = fetcherWith();
    for (location of [
      "file:///etc/hostname",
      "ftp://example.com/x",
      `http://user@127.0.0.1:${origin.port}/end`,
      "http://169.254.169.254/latest/meta-data/",
      "//localhost/",
      "http://0/",
    ]) {
      await assert.rejects(fetcher.fetch(origin.url, { trusted: origin.url }), refusal, location);
    }
  });

  for (const code of [301, 302, 303, 307, 308]) {
    it(`of status ${code} is followed with all headers within the same origin`, async () => {
      await using fetcher = fetcherWith();
      location = "/end";
      status = code;
      const answer = await fetcher.fetch(`${origin.url}/start`, { trusted: origin.url, headers: own });
      assert.equal(answer.url, `${origin.url}/end`);
      assert.equal(Buffer.concat(await answer.body.toArray()).toString(), "end");
      const last = origin.requests.at(-1);
      assert.equal(last?.headers.authorization, own.authorization);
      assert.equal(last?.headers["x-api-key"], "secret");
    });
  }

  for (const [what, other] of [
    ["port", () => canary.url],
    ["host", () => `http://127.0.0.2:${origin.port}/end`],
  ] as const) {
    it(`to another ${what} takes no credentials, cookies and custom headers along`, async () => {
      await using target = await serve((_, response) => response.end("target"), "0.0.0.0");
      await using fetcher = fetcherWith({ network: { allow: ["127.0.0.0/8"] } });
      location = what === "host" ? `http://127.0.0.2:${target.port}/` : other();
      const ports = [canary.port, target.port];
      await fetcher.fetch(origin.url, { trusted: origin.url, ports, headers: own });
      const { headers } = (what === "host" ? target : canary).requests[0] ?? assert.fail("not asked");
      for (const name of ["authorization", "cookie", "x-api-key"])
        assert.equal(headers[name], undefined, name);
      assert.equal(headers.range, own.range);
      assert.equal(headers["if-none-match"], own["if-none-match"]);
      assert.equal(headers["x-req-from"], "mediatap");
    });
  }

  it("to another origin and back does not bring the headers back", async () => {
    await using away = await serve((_, response) =>
      response.writeHead(302, { location: `${origin.url}/end` }).end(),
    );
    await using fetcher = fetcherWith({ network: { allow: ["127.0.0.0/8"] } });
    location = away.url;
    await fetcher.fetch(origin.url, { trusted: origin.url, ports: [away.port], headers: own });
    assert.equal(origin.requests[0]?.headers.cookie, own.Cookie);
    assert.equal(origin.requests[1]?.url, "/end");
    assert.equal(origin.requests[1]?.headers.cookie, undefined);
  });

  it("that never ends is an invalid response", async () => {
    await using fetcher = fetcherWith({ limits: { redirects: 3 } });
    location = "/again";
    await assert.rejects(fetcher.fetch(origin.url, { trusted: origin.url }), {
      code: "UNIDENTIFIED",
      message: "The origin redirects too many times",
    });
    assert.equal(origin.requests.length, 4);
  });

  it("without a usable location is an invalid response", async () => {
    await using fetcher = fetcherWith();
    for (location of [undefined, "http://", "http://[::1"]) {
      await assert.rejects(fetcher.fetch(origin.url, { trusted: origin.url }), { code: "UNIDENTIFIED" });
    }
  });

  for (const method of ["POST", "PUT", "DELETE"] as const) {
    it(`is the response itself for a ${method}`, async () => {
      await using fetcher = fetcherWith();
      location = "/end";
      const answer = await fetcher.fetch(origin.url, { trusted: origin.url, method, body: "x" });
      assert.equal(answer.status, 302);
      assert.equal(origin.requests.length, 1);
    });
  }
});
