import assert from "node:assert/strict";
import { makeFolder, raw, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import fc from "fast-check";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

describe("any bytes", () => {
  let folder: TestFolder;
  let server: TestServer;
  let parent: TestFolder;
  before(async () => {
    parent = await makeFolder({ "outside.txt": "OUTSIDE-THE-ROOT" });
    folder = await makeFolder({
      "photo.jpg": await photo(60, 40),
      "a/b.txt": "text",
      ".hidden": "HIDDEN-FILE",
    });
    server = await startServer({ ...folderConfig(folder.path), privateKey: "private_fuzz_key" });
  });
  after(async () => {
    await server.close();
    await folder.close();
    await parent.close();
  });

  /** Every answer is a correct one or the client's own fault; nothing leaks; the next client is served. */
  async function check(bytes: Buffer) {
    const answers = await raw(server.port, bytes);
    for (const { status, headers, body } of answers) {
      const said = `${status} ${headers["ik-error"]} for ${JSON.stringify(bytes.toString("latin1"))}`;
      assert(status >= 200 && status < 500, said);
      const all = `${JSON.stringify(headers)}${body.toString("latin1")}`;
      for (const secret of [folder.path, "OUTSIDE-THE-ROOT", "HIDDEN-FILE", "private_fuzz_key", "root:x:0"])
        assert(!all.includes(secret), said);
      if (status >= 400) assert(body.length <= 1024, said);
    }
  }

  async function alive() {
    const answer = await server.ask("/tr:w-20/photo.jpg");
    assert.equal(answer.status, 200);
  }

  const request = (path: string, headers = "") =>
    Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`, "latin1");

  const wordy = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...[
            "/",
            "..",
            ".",
            "%2e",
            "%2f",
            "%5c",
            "\\",
            "%00",
            "%",
            "%zz",
            "%ff",
            "%25",
            "?",
            "&",
            "=",
            "#",
            ";",
          ],
          ...[
            "tr:",
            "tr=",
            ":",
            ",",
            "-",
            "w-",
            "h-",
            "l-image",
            "l-text",
            "l-end",
            "i-",
            "ie-",
            "@@",
            "if-",
            "n-",
          ],
          ...[
            "photo.jpg",
            "a/b.txt",
            ".hidden",
            "ik-s=",
            "ik-t=",
            "ik-seo",
            "ik-thumbnail.jpg",
            "http://",
            "https:/",
          ],
          ...[
            "//",
            "-/",
            "live",
            "f-auto",
            "di-",
            "orig-true",
            "iw_div_0",
            "1e309",
            "-0",
            "NaN",
            "99999999999",
          ],
          ...[
            "c-at_max",
            "fo-auto",
            "e-blur",
            "bg-",
            "FF00",
            "r-max",
            "rt-",
            "q-",
            "dpr-auto",
            "pg-",
            "so-",
            "cm-",
          ],
          ...[
            "ik-attachment=true",
            "ik-attachment-filename=",
            "%0d%0a",
            "\u00e9",
            "\x7f",
            "*",
            "(",
            "~",
            "$",
          ],
        ),
        fc.string({ maxLength: 5 }),
        fc.nat(70_000).map(String),
      ),
      { maxLength: 14 },
    )
    .map((parts) => `/${parts.join("")}`.replace(/[\s\p{Cc}]/gu, ""));

  it("as a path made of the language's own words", async () => {
    await fc.assert(
      fc.asyncProperty(wordy, async (path) => check(request(path))),
      { numRuns: 600 },
    );
    await alive();
  });

  it("as a path", async () => {
    const path = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    await fc.assert(
      fc.asyncProperty(path, async (text) => check(request(`/${text}`))),
      { numRuns: 300 },
    );
    await alive();
  });

  it("as a header's value", async () => {
    const names = [
      ...["Accept", "Accept-Encoding", "Range", "If-Range", "If-None-Match", "If-Modified-Since", "Referer"],
      ...[
        "User-Agent",
        "X-Forwarded-For",
        "CDN-Loop",
        "Cookie",
        "Sec-CH-Width",
        "Sec-CH-DPR",
        "Save-Data",
        "Expect",
      ],
      ...["Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Origin", "Width", "DPR", "TE"],
    ];
    const value = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
      fc
        .array(
          fc.constantFrom("bytes=", "-", "0", "9".repeat(30), ",", '"', "W/", "*", ";q=", "image/webp", "br"),
          {
            maxLength: 12,
          },
        )
        .map((parts) => parts.join("")),
    );
    const path = fc.constantFrom(
      "/tr:w-20/photo.jpg",
      "/a/b.txt",
      "/missing.jpg",
      "/tr:w-auto,dpr-auto/photo.jpg",
    );
    await fc.assert(
      fc.asyncProperty(path, fc.constantFrom(...names), value, async (asked, name, text) => {
        // A body that is announced and not sent is waited for, as it has to be.
        if (/^(content-length|transfer-encoding|expect)$/i.test(name) && /\d|chunked|100/i.test(text)) return;
        await check(request(asked, `${name}: ${text.replace(/[\r\n]/g, "")}\r\n`));
      }),
      { numRuns: 600 },
    );
    await alive();
  });

  it("as a whole request", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 200 }).map((b) => Buffer.from(b)),
      fc
        .array(
          fc.constantFrom(
            ...[
              "GET",
              "HEAD",
              "OPTIONS",
              "POST",
              "TRACE",
              "CONNECT",
              " ",
              "/",
              "*",
              "HTTP/1.1",
              "HTTP/1.0",
              "\r\n",
            ],
            ...[
              "\n",
              "\r",
              "Host: x\r\n",
              "Host:",
              ":",
              "Content-Length: 0\r\n",
              "Content-Length: 3\r\n",
              "abc",
            ],
            ...["Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "\r\n\r\n", "photo.jpg", "\0", "http://x/"],
          ),
          { maxLength: 20 },
        )
        .map((parts) => Buffer.from(parts.join(""))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (text) => {
        // Ended by something no parser waits behind, so that every request is complete or refused.
        const answers = await raw(server.port, Buffer.concat([text, Buffer.from("\r\n\r\n\r\n\r\n\0\0\0")]), {
          timeout: 1_500,
        }).catch(() => []);
        for (const { status } of answers)
          assert(status < 500 || status === 505 || status === 501, String(status));
      }),
      { numRuns: 300 },
    );
    await alive();
  });

  for (const piece of [
    ":",
    ",",
    "l-image,",
    "l-",
    "if-",
    "(",
    "%20",
    "tr:",
    "/",
    "w-1,",
    "%25",
    "@@",
    "-",
    "&tr=w-1",
    "?",
  ]) {
    it(`as 8 KB of ${JSON.stringify(piece)}, quickly answered`, async () => {
      for (const prefix of ["/tr:", "/", "/photo.jpg?tr="]) {
        const path = (prefix + piece.repeat(8_000)).slice(0, 8_000);
        await check(request(path));
        await check(request(`${path}/photo.jpg`));
      }
      await alive();
    });
  }
});
