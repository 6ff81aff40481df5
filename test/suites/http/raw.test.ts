import assert from "node:assert/strict";
import { makeFolder, raw, rawOne, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

const GOOD = "GET /tr:w-20/photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n";

describe("requests as bytes on a socket", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(60, 40), "secret.txt": "secret" });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  /** After whatever happened, the next client is served. */
  async function stillServes() {
    const { status, headers } = await rawOne(server.port, GOOD);
    assert.equal(status, 200);
    assert.match(headers["content-type"] ?? "", /^image\//);
  }

  const refused: Record<string, string> = {
    "no Host": "GET / HTTP/1.1\r\n\r\n",
    "an empty Host": "GET /photo.jpg HTTP/1.1\r\nHost:\r\n\r\n",
    "two Hosts": "GET /photo.jpg HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "two different Hosts": "GET /photo.jpg HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "user information in Host": "GET /photo.jpg HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a path in Host": "GET /photo.jpg HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a list in Host": "GET /photo.jpg HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "a space in Host": "GET /photo.jpg HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a control character in Host": "GET /photo.jpg HTTP/1.1\r\nHost: a\x01b\r\n\r\n",
    "an odd port in Host": "GET /photo.jpg HTTP/1.1\r\nHost: a:b\r\n\r\n",
    "Content-Length and Transfer-Encoding":
      "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two Content-Lengths":
      "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a list of Content-Lengths": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na",
    "a negative Content-Length": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a signed Content-Length": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
    "a hexadecimal Content-Length": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na",
    "Transfer-Encoding xchunked":
      "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding gzip": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    "Transfer-Encoding gzip, chunked":
      "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding chunked, identity":
      "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding twice":
      "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "a space before the colon": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n",
    "a folded header": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    "bare line feeds": "GET /photo.jpg HTTP/1.1\nHost: x\n\n",
    "a bare line feed between headers": "GET /photo.jpg HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n",
    "a bare carriage return in a header": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n",
    "NUL in a header": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n",
    "a header without a colon": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a header without a name": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "a bad chunk": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
    "no protocol": "GET /photo.jpg\r\n\r\n",
    "an unknown protocol": "GET /photo.jpg HTCPCP/1.0\r\nHost: x\r\n\r\n",
    "a version that is none": "GET /photo.jpg HTTP/9.9\r\nHost: x\r\n\r\n",
    "an unknown method": "BREW /photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
    "an over-long method": `${"G".repeat(5000)} / HTTP/1.1\r\nHost: x\r\n\r\n`,
    "a method in lower case": "get /photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control character in the path": "GET /pho\x01to.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the path": "GET /pho to.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path without a slash": "GET photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asterisk for GET": "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "another scheme": "GET ftp://x/photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n",
    "the greeting of another protocol": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an expectation it does not know": "GET /photo.jpg HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n",
  };

  for (const [what, bytes] of Object.entries(refused)) {
    it(`refuses ${what}, and serves the next`, async () => {
      const answers = await raw(server.port, bytes);
      // A connection that is closed without a word is a refusal too.
      for (const { status, body } of answers) {
        assert(status >= 400 && status < 500, `${status} ${body.toString()}`);
        assert(body.length <= 1024);
      }
      await stillServes();
    });
  }

  it("refuses CONNECT without opening anything", async () => {
    for (const { status } of await raw(server.port, "CONNECT example.com:80 HTTP/1.1\r\nHost: x\r\n\r\n")) {
      assert(status >= 400 && status < 502, String(status));
    }
    await stillServes();
  });

  it("answers TRACE without an echo", async () => {
    const answer = await rawOne(
      server.port,
      "TRACE /photo.jpg HTTP/1.1\r\nHost: x\r\nX-Secret: s3cret\r\n\r\n",
    );
    assert.equal(answer.status, 405);
    assert(!answer.body.includes("s3cret"));
  });

  it("takes a URL in absolute form", async () => {
    const plain = await rawOne(server.port, GOOD);
    for (const form of ["http://x/tr:w-20/photo.jpg", "HTTP://other:8080/tr:w-20/photo.jpg"]) {
      const answer = await rawOne(server.port, `GET ${form} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.equal(answer.status, 200);
      assert(answer.body.equals(plain.body));
    }
  });

  it("ignores an upgrade that is offered", async () => {
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    const answer = await rawOne(server.port, GOOD.replace("\r\n\r\n", `\r\n${upgrade}\r\n`));
    assert.equal(answer.status, 200);
  });

  it("answers HTTP/1.0 and closes", async () => {
    const [answer] = await raw(server.port, "GET /tr:w-20/photo.jpg HTTP/1.0\r\nHost: x\r\n\r\n", {
      answers: 2,
    });
    assert.equal(answer?.status, 200);
  });

  it("answers 414 for a URL above the limit", async () => {
    for (const path of [`/${"a".repeat(8200)}`, `/photo.jpg?tr=w-10&v=${"a".repeat(8200)}`]) {
      const answer = await rawOne(server.port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.equal(answer.status, 414);
      assert(answer.body.length <= 1024);
      assert.equal(answer.headers["cache-control"], "no-store");
    }
    await stillServes();
  });

  it("answers 431 for headers above the limit", async () => {
    const answer = await rawOne(
      server.port,
      `GET /photo.jpg HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(20_000)}\r\n\r\n`,
    );
    assert.equal(answer.status, 431);
    await stillServes();
  });

  it("answers 431 for more headers than the limit, and never overlooks the ones behind it", async () => {
    const many = Array.from({ length: 150 }, (_, i) => `X-${i}: 1\r\n`).join("");
    const answer = await rawOne(server.port, `GET /photo.jpg HTTP/1.1\r\nHost: x\r\n${many}\r\n`);
    assert.equal(answer.status, 431);
    await stillServes();
  });

  for (const [what, framing, body] of [
    ["a length", "Content-Length: 5", "hello"],
    ["chunks", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"],
    ["chunks in capitals", "Transfer-Encoding: Chunked", "5\r\nhello\r\n0\r\n\r\n"],
  ] as const) {
    it(`discards the body of a GET with ${what}, and reads the next request behind it`, async () => {
      const first = `GET /tr:w-20/photo.jpg HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n${body}`;
      const answers = await raw(server.port, first + GOOD, { answers: 2 });
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      );
    });
  }

  it("never takes the body of one request for another request", async () => {
    const smuggled = "GET /secret.txt HTTP/1.1\r\nHost: x\r\n\r\n";
    const first = `GET /tr:w-20/photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`;
    const answers = await raw(server.port, first + GOOD, { answers: 2 });
    assert.equal(answers.length, 2);
    for (const { headers } of answers) assert.match(headers["content-type"] ?? "", /^image\//);
  });

  it("ends a connection whose GET has a body without end", async () => {
    const head = "GET /tr:w-20/photo.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n";
    // The server answers, and closes instead of reading gigabytes.
    const [answer] = await raw(server.port, Buffer.concat([Buffer.from(head), Buffer.alloc(4_000_000)]), {
      answers: 2,
    });
    assert(answer === undefined || answer.status === 200 || answer.status === 413, String(answer?.status));
    await stillServes();
  });

  it("answers requests in one packet in their order", async () => {
    const paths = ["/tr:w-21/photo.jpg", "/missing.jpg", "/tr:w-abc/photo.jpg", "/tr:w-20/photo.jpg"];
    const bytes = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join("");
    const answers = await raw(server.port, bytes, { answers: 4 });
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 404, 400, 200],
    );
  });

  it("survives clients that leave at any byte", async () => {
    for (let at = 1; at < GOOD.length; at += 3) {
      const answers = raw(server.port, GOOD.slice(0, at), { timeout: 15 }).catch(() => []);
      await answers;
    }
    await stillServes();
  });
});
