import assert from "node:assert/strict";
import { isMediaError, type MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import {
  makePng,
  memoryStorage,
  readPng,
  startServer,
  type TestServer,
  type Witness,
  witness,
} from "@mediatap/test";
import { sign, urlImagekit } from "@mediatap/url-imagekit";
import { urlIpx } from "@mediatap/url-ipx";
import { urlNext } from "@mediatap/url-next";

const KEY = "private key of several languages";

const ORDERED = ["url-next", "url-ipx", "url-imagekit"];

const ENDPOINTS: NonNullable<MediatapConfig["endpoints"]> = {
  default: { origins: ["files"], languages: ORDERED },
  first: { origins: ["files"], languages: ["url-imagekit", "url-ipx"] },
  only: { origins: ["files"], languages: ["url-ipx"] },
  installed: { origins: ["files"] },
  signed: { origins: ["files"], languages: ORDERED, privateKey: KEY, restrictUnsigned: "all" },
};

const IPX = "/_ipx/w_40/photo.png";
const NEXT = "/_next/image?url=%2Fphoto.png&w=32&q=75";
const IMAGEKIT = "/tr:w-50/photo.png";

describe("several languages", () => {
  let server: TestServer;
  let seen: Witness;
  before(async () => {
    seen = witness();
    server = await startServer({
      plugins: [
        urlNext(),
        urlIpx(),
        urlImagekit(),
        memoryStorage(new Map([["photo.png", makePng(64, 32, () => [200, 100, 50, 255])]])),
        imageSharp(),
        seen,
      ],
      origins: { files: { type: "MEMORY" } },
      endpoints: ENDPOINTS,
    });
  });
  after(() => server?.close());

  /** Status, and the width of what is answered. */
  async function ask(url: string): Promise<readonly [status: number, width: number | undefined]> {
    const { status, body } = await server.ask(url);
    return [status, status === 200 ? readPng(body).width : undefined];
  }

  it("share an endpoint, each with its own URLs", async () => {
    for (const prefix of ["", "/installed"]) {
      assert.deepEqual(await ask(prefix + IPX), [200, 40]);
      assert.deepEqual(await ask(prefix + NEXT), [200, 32]);
      assert.deepEqual(await ask(prefix + IMAGEKIT), [200, 50]);
    }
  });

  it("are asked in the order of the endpoint: one that accepts every path leaves nothing to those after it", async () => {
    assert.deepEqual(await ask(`/first${IPX}`), [404, undefined]);
    assert.deepEqual(await ask(`/first${IMAGEKIT}`), [200, 50]);
  });

  it("are not asked where the endpoint does not name them", async () => {
    assert.deepEqual(await ask(`/only${IPX}`), [200, 40]);
    for (const url of [NEXT, IMAGEKIT, "/photo.png"])
      assert.deepEqual(await ask(`/only${url}`), [404, undefined]);
  });

  it("refuse what is wrong in their own words, and leave it to no other", async () => {
    for (const [url, message] of [
      ["/_ipx/w_x/photo.png", /^Expected integer from 1 to 100000 for w/],
      ["/_next/image?url=%2Fphoto.png&w=33&q=75", /^"w" parameter \(width\) of 33 is not allowed/],
    ] as const) {
      const { status, text } = await server.ask(url);
      assert.equal(status, 400, url);
      assert.match(text, message);
    }
  });

  it("open a protected endpoint with their own signatures only", async () => {
    const signature = sign("tr:w-50/photo.png", KEY);
    assert.deepEqual(await ask(`/signed${IMAGEKIT}?ik-s=${signature}`), [200, 50]);
    for (const url of [IPX, `${IPX}?ik-s=${signature}`, `${IPX}?ik-s=${sign(IPX.slice(1), KEY)}`, NEXT]) {
      assert.deepEqual(await ask(`/signed${url}`), [401, undefined], url);
    }
  });

  describe("write each other's URLs", () => {
    /** A URL in another language, or what that one cannot express. */
    async function rewritten(url: string, language: string): Promise<string> {
      await server.ask(url);
      const [exchange] = seen.exchanges;
      assert(exchange?.job, url);
      try {
        const link = await server.server.runtime.hooks.link.for(language).promise(exchange.job, exchange);
        return link ?? "no language";
      } catch (error) {
        assert(isMediaError(error));
        assert.equal(error.code, "EUNSUPPORTED");
        return error.message.replace("Not supported in URLs of this language: ", "");
      }
    }

    it("from ImageKit to IPX", async () => {
      for (const [from, to] of [
        ["/tr:w-300,f-webp/photo.png", "/_ipx/enlarge,format_webp,width_300,animated/photo.png"],
        ["/tr:w-300,h-200/photo.png", "/_ipx/animated,enlarge,format_auto,s_300x200/photo.png"],
        ["/tr:w-300,h-200,fo-top_left,q-50,f-jpg/photo.png", undefined],
        ["/tr:w-300,bl-8/photo.png", undefined],
        ["/photo.png", undefined],
      ] as const) {
        const link = await rewritten(from, "url-ipx");
        assert(link.startsWith("/_ipx/"), `${from}: ${link}`);
        const [size, other] = [await sizeOf(from), await sizeOf(link)];
        assert.deepEqual(other, size, `${from} → ${link}`);
        if (to !== undefined) assert.deepEqual(words(link), words(to));
      }
    });

    it("from IPX to ImageKit", async () => {
      for (const from of [
        "/_ipx/w_30/photo.png",
        "/_ipx/s_30x30/photo.png",
        "/_ipx/s_30x30,fit_contain,enlarge,b_ff0000/photo.png",
        "/_ipx/h_20,flip,blur_3,grayscale/photo.png",
        "/_ipx/w_20,f_jpeg,animated,q_50/photo.png",
      ]) {
        const link = await rewritten(from, "url-imagekit");
        assert(link.startsWith("/photo.png"), `${from}: ${link}`);
        assert.deepEqual(await sizeOf(link), await sizeOf(from), `${from} → ${link}`);
      }
    });

    it("and name all that they cannot express", async () => {
      for (const [url, language, missing] of [
        ["/tr:w-300,e-shadow,o-50/photo.png", "url-ipx", "shadow, opacity"],
        ["/tr:w-300:rt-45:w-200/photo.png", "url-ipx", /resize/],
        ["/tr:h-30/photo.png", "url-next", /.+/],
        ["/_ipx/s_30x30/photo.png", "url-next", /.+/],
        ["/tr:lo-true/photo.png", "url-ipx", "lossless"],
        ["/tr:w-300,e-grayscale/photo.png", "url-ipx", "grayscale after resize"],
        ["/_ipx/extract_3_4_20_10/photo.png", "url-imagekit", "this order of steps"],
      ] as const) {
        const text = await rewritten(url, language);
        if (typeof missing === "string") assert.equal(text, missing, url);
        else assert.match(text, missing, url);
        assert.doesNotMatch(text, /^\//, url);
      }
    });

    const words = (url: string) => (url.split("/")[2] ?? "").split(",").sort();

    async function sizeOf(url: string) {
      const { status, headers, text } = await server.ask(url, { headers: { accept: "image/webp" } });
      assert.equal(status, 200, `${url}: ${text}`);
      return [headers["content-type"], headers["content-length"]];
    }
  });
});
