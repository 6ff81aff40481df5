import assert from "node:assert/strict";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import {
  echoEngine,
  jobLanguage,
  jobUrl,
  memoryStorage,
  startServer,
  type TestServer,
  type Witness,
  witness,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { pixelate } from "../../../examples/custom-step/pixelate.ts";
import { signed as signedPixels, urlPixels } from "../../../examples/custom-step/url-pixels.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_key_of_the_languages";
const origins = ["files"];

describe("access rules", () => {
  let seen: Witness;
  const servers: TestServer[] = [];
  beforeEach(() => {
    seen = witness();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function start(languages: Plugin[], endpoints: MediatapConfig["endpoints"]): Promise<TestServer> {
    const server = await startServer({
      plugins: [languages, pixelate(), memoryStorage(Buffer.from("a file")), echoEngine(), seen],
      origins: { files: { type: "MEMORY" } },
      endpoints,
      privateKey: KEY,
      namedTransformations: { small: "w-40" },
    });
    servers.push(server);
    return server;
  }

  async function codeOf(server: TestServer, url: string): Promise<string | undefined> {
    await server.ask(url);
    return seen.exchanges[0]?.error?.code;
  }

  it("are enforced for a language that reports no claims", async () => {
    const server = await start([jobLanguage()], {
      default: { origins },
      all: { origins, restrictUnsigned: "all" },
      images: { origins, restrictUnsigned: "images" },
      videos: { origins, restrictUnsigned: "videos" },
      unnamed: { origins, restrictUnnamed: true },
    });
    const url = jobUrl("dogs.jpg", { steps: [{ op: "rotate", angle: 90 }] });
    const video = jobUrl("clip.mp4", { output: { video: {} } });
    for (const [path, code] of [
      [url, undefined],
      [video, undefined],
      [`/all${url}`, "ESIGNATURE"],
      [`/all${video}`, "ESIGNATURE"],
      [`/images${url}`, "ESIGNATURE"],
      [`/images${video}`, undefined],
      // Its language calls it an image; its name and what is made of it decide.
      [`/videos${video}`, "ESIGNATURE"],
      [`/videos${jobUrl("clip.MOV")}`, "ESIGNATURE"],
      [`/videos${url}`, undefined],
      [`/unnamed${url}`, "EINVAL"],
      [`/unnamed${jobUrl("dogs.jpg")}`, "EINVAL"],
    ] as const) {
      assert.equal(await codeOf(server, path), code, path);
    }
  });

  for (const [order, languages] of [
    ["one", () => [urlImagekit(), urlPixels()]],
    ["the other", () => [urlPixels(), urlImagekit()]],
  ] as const) {
    it(`judge a signature by the language of its URL, with the plugins in ${order} order`, async () => {
      const server = await start(languages(), {
        default: { origins, restrictUnsigned: "all", languages: ["url-pixels"] },
        second: { origins, restrictUnsigned: "all", languages: ["url-imagekit", "url-pixels"] },
      });
      for (const [url, code] of [
        [signedPixels("/w300/dogs.jpg", KEY), undefined],
        [signedPixels("/w300/dogs.jpg", "another key"), "ESIGNATURE"],
        ["/w300/dogs.jpg", "ESIGNATURE"],
        // A signature of a language that did not resolve the URL is none.
        [signed("/w300/dogs.jpg", KEY), "ESIGNATURE"],
        [`/second${signed("/tr:w-30/dogs.jpg", KEY)}`, undefined],
        [`/second${signed("/tr:w-30/dogs.jpg", "another key")}`, "ESIGNATURE"],
        [`/second${signedPixels("/w300/dogs.jpg", KEY)}`, "ESIGNATURE"],
      ] as const) {
        assert.equal(await codeOf(server, url), code, url);
      }
    });
  }

  it("leave it to languages in their order who resolves a URL", async () => {
    const server = await start([urlImagekit(), urlPixels()], {
      default: { origins, languages: ["url-pixels", "url-imagekit"] },
    });
    for (const [url, language] of [
      ["/w300/dogs.jpg", "url-pixels"],
      ["/wide.jpg/ik-thumbnail.jpg", "url-pixels"],
      ["/w300", "url-imagekit"],
    ] as const) {
      await server.ask(url);
      assert.equal(seen.exchanges[0]?.job?.language, language, url);
    }
  });

  it("also hold for layers that a URL names", async () => {
    const server = await start([urlImagekit()], {
      default: { origins, restrictUnsigned: "images" },
    });
    const layer = (kind: string, of: string) => `l-${kind},i-${of},l-end`;
    for (const [url, code] of [
      ["/clip.mp4", undefined],
      [`/clip.mp4?tr=${layer("image", "secret.jpg")}`, "ESIGNATURE"],
      [`/clip.mp4/ik-thumbnail.jpg?tr=${layer("image", "secret.jpg")}`, "ESIGNATURE"],
      [`/clip.mp4/ik-thumbnail.jpg?tr=if-w_gt_1,${layer("image", "secret.jpg")},if-end`, "ESIGNATURE"],
      [`/clip.mp4?tr=${layer("video", `b.mp4,${layer("image", "secret.jpg")}`)}`, "ESIGNATURE"],
      [signed(`/clip.mp4?tr=${layer("image", "secret.jpg")}`, KEY), undefined],
    ] as const) {
      assert.equal(await codeOf(server, url), code, url);
    }
  });

  it("also hold for the frame of a video that a layer shows", async () => {
    const server = await start([urlImagekit()], { default: { origins, restrictUnsigned: "videos" } });
    assert.equal(await codeOf(server, "/logo.png?tr=l-image,i-secret.mp4,l-end"), "ESIGNATURE");
    assert.equal(await codeOf(server, "/logo.png?tr=l-image,i-photo.jpg,l-end"), undefined);
  });

  it("refuse a default image of an endpoint that the request may not read", async () => {
    const files = new Map([["secret.jpg", Buffer.from("secret")]]);
    const server = await startServer({
      plugins: [urlImagekit(), memoryStorage(files), echoEngine(), seen],
      origins: { files: { type: "MEMORY" } },
      endpoints: {
        default: { origins, restrictUnsigned: "all" },
        open: { origins },
      },
      privateKey: KEY,
    });
    servers.push(server);
    const url = "/missing?tr=w-5,di-secret.jpg";
    assert.equal((await server.ask(`/open${url}`)).status, 404);
    assert.equal((await server.ask(`/open${signed(url, KEY)}`)).status, 200);
    assert.equal((await server.ask(signed(url, KEY))).status, 200);
  });

  it("are not undone by a language that answers for another one, or for another account", async () => {
    const impostor = (changes: object): Plugin => ({
      name: "impostor",
      version: "1",
      apiVersion: 1,
      apply({ hooks }) {
        hooks.resolve.tap("impostor", ({ accept }, endpoint) => ({
          asset: { tenant: "", endpoint: endpoint.name, kind: "path", path: "a.jpg", ...changes },
          transformation: { steps: [], output: {} },
          accept,
          query: [],
          delivery: {},
          language: "impostor",
          media: "image",
          ...changes,
        }));
      },
    });
    for (const changes of [{ language: "url-imagekit" }, { tenant: "acme" }]) {
      const server = await start([impostor(changes), urlImagekit()], { default: { origins } });
      assert.equal((await server.ask("/a.jpg")).status, 500);
      assert.equal(seen.exchanges[0]?.error?.plugin, "impostor");
    }
  });
});

describe("ignoreQuery", () => {
  it("holds for every language", async () => {
    const seen = witness();
    const query: Plugin = {
      name: "query",
      version: "1",
      apiVersion: 1,
      apply({ hooks }) {
        hooks.resolve.tap("query", ({ target, accept }, { tenant, name }) => ({
          asset: { tenant, endpoint: name, kind: "path", path: target.path },
          transformation: { steps: [], output: {} },
          accept,
          query: [...new URLSearchParams(target.query)],
          delivery: {},
          language: "query",
          media: "image",
        }));
      },
    };
    const server = await startServer({
      plugins: [query, memoryStorage(Buffer.from("a file")), echoEngine(), seen],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins, ignoreQuery: ["utm_source", "utm_medium"] } },
    });
    try {
      const keyOf = async (url: string) => {
        await server.ask(url);
        return seen.exchanges[0]?.key;
      };
      const key = await keyOf("/a.jpg?v=1");
      assert.equal(await keyOf("/a.jpg?utm_source=a&v=1&utm_medium=b&utm%5Fsource=c"), key);
      assert.notEqual(await keyOf("/a.jpg?v=2"), key);
      assert.notEqual(await keyOf("/a.jpg?v=1&utm=1"), key);
    } finally {
      await server.close();
    }
  });
});
