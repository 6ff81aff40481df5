import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import type { Endpoint, Plugin } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { passTime, resetTime, startServer, type TestServer } from "@mediatap/test";
import { sign, urlImagekit } from "../src/index.ts";

const KEY = "private_dummy-key-of-this-endpoint";
const SHOP = "private_dummy-key-of-the-shop";
const NEVER = "9999999999";

/** The code of any text by any key. */
const code = (text: string, key = KEY, algorithm = "sha1") =>
  createHmac(algorithm, key).update(text).digest("hex");

interface Explained {
  readonly signature: string;
  readonly signatureFault?: string;
}

describe("url-imagekit: what is wrong with a signature", () => {
  let server: TestServer;
  afterEach(resetTime);
  after(() => server.close());
  before(async () => {
    server = await startServer({
      plugins: [urlImagekit(), storageFs(), signer],
      origins: { files: { type: "FOLDER", path: import.meta.dirname } },
      server: { explain: true },
      endpoints: {
        default: { origins: ["files"], privateKey: KEY },
        shop: { origins: ["files"], privateKey: SHOP },
        open: { origins: ["files"] },
      },
      tenants: {
        other: {
          origins: { files: { type: "FOLDER", path: import.meta.dirname } },
          endpoints: { default: { origins: ["files"], privateKey: "private_dummy-key-of-another" } },
        },
      },
    });
  });

  async function explained(url: string): Promise<Explained> {
    const { text } = await server.ask(`/-/explain?url=${encodeURIComponent(url)}`);
    return JSON.parse(text) as Explained;
  }

  async function assertFault(url: string, fault: string): Promise<void> {
    const { signature, signatureFault } = await explained(url);
    assert.equal(signatureFault, fault, url);
    assert.notEqual(signature, "valid");
  }

  const soon = () => Math.floor(Date.now() / 1000) + 600;

  it("is nothing for a valid one, and for none", async () => {
    assert.deepEqual((await explained(`/a.jpg?ik-s=${sign("a.jpg", KEY)}`)).signature, "valid");
    for (const url of ["/a.jpg", `/a.jpg?ik-s=${sign("a.jpg", KEY)}`, "/a.jpg?v=1"]) {
      assert.equal((await explained(url)).signatureFault, undefined, url);
    }
  });

  it("is the time after which it is not valid", async () => {
    const expiry = soon();
    const url = `/a.jpg?ik-t=${expiry}&ik-s=${sign("a.jpg", KEY, expiry)}`;
    assert.equal((await explained(url)).signatureFault, undefined);
    passTime(700_000);
    const date = new Date(expiry * 1000).toISOString().slice(0, 19).replace("T", " ");
    await assertFault(url, `It expired on ${date} UTC.`);
  });

  const mistakes: readonly (readonly [what: string, path: string, signature: string, fault: string])[] = [
    ["the key of another endpoint", "a.jpg", sign("a.jpg", SHOP), "with a key of the endpoint shop"],
    ["a query that is not signed", "a.jpg?v=1", sign("a.jpg", KEY), "without the query"],
    [
      "a parameter that is not signed",
      "a.jpg?tr=w-9&v=1&x=2",
      sign("a.jpg?tr=w-9&x=2", KEY),
      "without 'v' in the query",
    ],
    [
      "parameters in another order",
      "a.jpg?v=1&b=2",
      sign("a.jpg?b=2&v=1", KEY),
      "with the parameters in alphabetical order: the URL has them in another one",
    ],
    ["a path before it was encoded", "my%20cat.jpg", sign("my cat.jpg", KEY), "before the path was encoded"],
    [
      "a path that was encoded twice",
      "my%2520cat.jpg",
      sign("my%20cat.jpg", KEY),
      "before the path was encoded a second time",
    ],
    [
      "a path that a proxy decoded",
      "a,b.jpg",
      sign("a%2Cb.jpg", KEY),
      "of a path that was encoded once more than it was sent",
    ],
    [
      "another Unicode form",
      "caf%C3%A9.jpg",
      sign("cafe%CC%81.jpg", KEY),
      "of a path whose letters with marks are in another Unicode form (NFD)",
    ],
    ["a slash at the start", "a.jpg", code(`/a.jpg${NEVER}`), "of a path with a slash at its start"],
    [
      "the whole URL",
      "a.jpg",
      code(`https://localhost/a.jpg${NEVER}`),
      "of the whole URL: expected only what follows the endpoint",
    ],
    ["a transformation that came later", "tr:w-100/a.jpg", sign("a.jpg", KEY), "without the transformation"],
    [
      "a transformation in the other place",
      "tr:w-100/a.jpg",
      sign("a.jpg?tr=w-100", KEY),
      "with the transformation in the query, not in the path",
    ],
    [
      "no expiry in the text",
      "a.jpg",
      code("a.jpg"),
      `without ${NEVER} at the end of the text, which means that it never expires`,
    ],
    ["SHA-256", "a.jpg", code(`a.jpg${NEVER}`, KEY, "sha256"), "with SHA-256: expected HMAC-SHA-1"],
    [
      "base64",
      "a.jpg",
      createHmac("sha1", KEY).update(`a.jpg${NEVER}`).digest("base64"),
      "in base64: expected hexadecimal digits",
    ],
    [
      "upper case",
      "a.jpg",
      sign("a.jpg", KEY).toUpperCase(),
      "in upper case: expected lower-case hexadecimal digits",
    ],
    [
      "a line break in the key",
      "a.jpg",
      sign("a.jpg", `${KEY}\n`),
      "with a line break at the end of the key",
    ],
    ["no key at all", "a.jpg", sign("a.jpg", ""), "with an empty key: is its variable set?"],
    [
      "two mistakes",
      "a.jpg?v=1",
      code(`a.jpg${NEVER}`, KEY, "sha256"),
      "without the query and with SHA-256: expected HMAC-SHA-1",
    ],
  ];
  for (const [what, path, signature, fault] of mistakes) {
    it(`is ${what}`, async () => {
      const url = `/${path}${path.includes("?") ? "&" : "?"}ik-s=${signature}`;
      await assertFault(url, `It was made ${fault}.`);
    });
  }

  it("is an expiry that was added, left out of the text, or of the wrong unit", async () => {
    const expiry = soon();
    const at = (signature: string) => `/a.jpg?ik-t=${expiry}&ik-s=${signature}`;
    await assertFault(
      at(sign("a.jpg", KEY)),
      "It was made for a URL that never expires: ik-t was added afterwards.",
    );
    await assertFault(at(code("a.jpg")), "It was made without the expiry at the end of the text.");
    await assertFault(at(code(`a.jpg${expiry}000`)), "It was made with the expiry in milliseconds.");
    await assertFault(
      `/a.jpg?ik-t=${expiry}000&ik-s=${code("a.jpg")}`,
      `Expected seconds since 1970 for ik-t but received '${expiry}000', which are milliseconds.`,
    );
    await assertFault(`/a.jpg?ik-t=${expiry}`, "The URL has an expiry (ik-t) but no signature (ik-s).");
  });

  it("is a mistake of another kind, or one that nobody knows", async () => {
    const right = sign("a.jpg", KEY);
    await assertFault(
      `/a.jpg?ik-s=${right}&ik-s=${right}`,
      "Expected one signature (ik-s) and at most one expiry (ik-t), but the URL has more.",
    );
    await assertFault(
      `/a.jpg?%69k-s=${right}`,
      "The name ik-s or ik-t is percent-encoded: expected it as it is.",
    );
    await assertFault(
      "/a.jpg?ik-s=abc",
      "Expected 40 lower-case hexadecimal digits (HMAC-SHA-1) for ik-s but received 3 characters.",
    );
    await assertFault(
      `/open/a.jpg?ik-s=${right}`,
      "The endpoint open has no private key, so no signature is checked.",
    );
    // A key of another account is nobody's business.
    for (const key of ["another", "private_dummy-key-of-another"]) {
      await assertFault(
        `/a.jpg?ik-s=${sign("a.jpg", key)}`,
        "It was made with another key or for another URL: none of the usual mistakes explains it.",
      );
    }
  });

  it("does not matter to a URL that is signed again", async () => {
    const expiry = soon();
    const urls: readonly (readonly [sent: string, expected: string, expires?: number])[] = [
      ["/a.jpg", `/a.jpg?ik-s=${sign("a.jpg", KEY)}`],
      ["/shop/tr:w-9/a.jpg?v=1", `/shop/tr:w-9/a.jpg?v=1&ik-s=${sign("tr:w-9/a.jpg?v=1", SHOP)}`],
      ["/my%20cat.jpg?ik-t=1&ik-s=abc", `/my%20cat.jpg?ik-s=${sign("my%20cat.jpg", KEY)}`],
      [`/a.jpg?ik-t=${expiry}&ik-s=abc`, `/a.jpg?ik-t=${expiry}&ik-s=${sign("a.jpg", KEY, expiry)}`],
      ["/a.jpg", `/a.jpg?ik-t=${expiry}&ik-s=${sign("a.jpg", KEY, expiry)}`, expiry],
    ];
    for (const [sent, expected, expires] of urls) {
      const query = new URLSearchParams({ url: sent, ...(expires && { expires: String(expires) }) });
      const { text } = await server.ask(`/-/signed?${query}`);
      assert.equal(text, expected);
      assert.equal((await explained(text)).signature, "valid", text);
    }
  });

  it("is no reason to sign where there is no key, or for another account", async () => {
    const { status, text } = await server.ask("/-/signed?url=/open/a.jpg");
    assert.deepEqual(
      [status, text],
      [403, "The endpoint open has no private key: set its field privateKey\n"],
    );
    const other = await server.ask("/-/signed?url=/other/a.jpg");
    assert.deepEqual([other.status, other.text], [403, "This URL leads to an endpoint of another account\n"]);
  });
});

/** A route that signs for the endpoints of the first account. */
const signer: Plugin = {
  name: "signer",
  version: "1.0.0",
  apiVersion: 1,
  apply({ hooks, jobs, route }) {
    let endpoints: readonly Endpoint[] = [];
    hooks.start.tap("signer", (runtime) => {
      endpoints = runtime.endpoints.filter(({ tenant }) => tenant === "");
    });
    route("GET", "/-/signed", async ({ query }) => {
      const expires = query.get("expires");
      const request = { url: String(query.get("url")), endpoints };
      return { body: await jobs.sign(request, expires === null ? undefined : Number(expires)) };
    });
  },
};
