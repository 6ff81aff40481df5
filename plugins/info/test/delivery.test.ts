import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageWeb } from "@mediatap/storage-web";
import {
  type Answer,
  startOrigin,
  startServer,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { sign, urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { info } from "../src/index.ts";

const KEY = "private_test_key";
const basic = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` };

const photo = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "#c08040" } })
    .jpeg()
    .toBuffer();

const signed = (path: string) => `${path}${path.includes("?") ? "&" : "?"}ik-s=${sign(path.slice(1), KEY)}`;

describe("descriptions of files over HTTP", () => {
  let origin: WebOrigin;
  let server: TestServer;
  before(async () => {
    origin = await startOrigin({
      "photo.jpg": await photo(120, 80),
      "short.jpg": { bytes: await photo(60, 40), headers: { "cache-control": "max-age=0" } },
      "private.jpg": { bytes: await photo(30, 20), headers: { "is-private-file": "true" } },
      "broken.jpg": Buffer.from("this is no picture"),
      "notes.txt": Buffer.from("text"),
      "acme/photo.jpg": await photo(10, 20),
      "chunked.txt": {
        answer: (_, response) => {
          response.writeHead(200, { "content-type": "text/plain" });
          response.write("no ");
          response.end("length");
        },
      },
    });
    const web = (path = "") => ({ web: { type: "WEB_FOLDER", baseUrl: origin.url + path } });
    server = await startServer({
      plugins: [urlImagekit(), storageWeb(), imageSharp(), info(), cacheMemory(), manageImagekit()],
      origins: { ...web(), proxy: { type: "WEB_PROXY" } },
      endpoints: {
        proxy: { origins: ["proxy"] },
        default: { origins: ["web"], originCacheControl: "follow" },
        signed: { origins: ["web"], restrictUnsigned: "images" },
        named: { origins: ["web"], restrictUnnamed: true },
        limited: { origins: ["web"], blockedUserAgents: ["robot"] },
      },
      network: { allow: [`127.0.0.1:${origin.port}`] },
      privateKey: KEY,
      namedTransformations: { thumb: "w-10" },
      tenants: {
        acme: {
          hosts: ["acme.example"],
          origins: web("/acme"),
          endpoints: { default: { origins: ["web"] } },
        },
      },
    });
  });
  after(async () => {
    await server?.close();
    await origin?.close();
  });

  const ask = (path: string, headers: Readonly<Record<string, string>> = {}) => server.ask(path, { headers });
  const statusOf = (answer: Answer) => answer.headers["cache-status"] ?? "";
  const errorOf = ({ status, headers }: Answer) => `${status} ${headers["ik-error"]?.split(" ")[0]}`;

  it("are JSON, whatever the client accepts, and are cached like images", async () => {
    const first = await ask("/photo.jpg/ik-info.json", { accept: "image/avif,image/webp" });
    assert.equal(first.status, 200, first.text);
    assert.equal(first.headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(first.text), {
      type: "image/jpeg",
      format: "jpeg",
      bytes: (await photo(120, 80)).length,
      width: 120,
      height: 80,
      orientation: 1,
      colorSpace: "rgb",
      alpha: false,
      frames: 1,
      density: 72,
    });
    assert.match(statusOf(first), /fwd=miss; stored/);
    assert.equal(first.headers.vary, undefined);
    assert.equal(first.headers["access-control-allow-origin"], "*");
    const { etag = "" } = first.headers;
    const again = await ask("/photo.jpg/ik-info.json", { "if-none-match": etag });
    assert.equal(again.status, 304);
    assert.match(statusOf(again), /; hit/);
    const image = await ask("/photo.jpg", { "if-none-match": etag });
    assert.equal(image.status, 200, "they share no validator with the image");
  });

  it("contain the fields that the URL names, and share an entry whatever their order is", async () => {
    const { text } = await ask("/photo.jpg/ik-info.json?fields=height,width");
    assert.equal(text, '{"width":120,"height":80}');
    for (const same of ["width,height", "width,height,width", "width%2Cheight"]) {
      assert.match(statusOf(await ask(`/photo.jpg/ik-info.json?fields=${same}`)), /; hit/, same);
    }
    assert.match(statusOf(await ask("/photo.jpg/ik-info.json?fields=width,height&v=2")), /fwd=miss/);
  });

  it("refuse a field that does not exist, and name those that do", async () => {
    for (const fields of ["", "width,", "colour", "Width", "width,constructor"]) {
      const answer = await ask(`/photo.jpg/ik-info.json?fields=${fields}`);
      assert.equal(errorOf(answer), "400 EINVAL", fields);
      assert.match(answer.text, /Expected some of type, format, bytes, width, .* for fields/);
    }
    assert.equal(errorOf(await ask("/photo.jpg/ik-info.json?fields=width&fields=height")), "400 EINVAL");
  });

  it("refuse a transformation", async () => {
    for (const url of ["/tr:w-10/photo.jpg/ik-info.json", "/photo.jpg/ik-info.json?tr=orig-true"]) {
      const answer = await ask(url);
      assert.equal(errorOf(answer), "400 EINVAL", url);
      assert.match(answer.headers["ik-error"] ?? "", /Expected no transformation with ik-info\.json/);
    }
  });

  it("are revalidated by the validators of the file", async () => {
    const first = await ask("/short.jpg/ik-info.json");
    const before = origin.count("short.jpg");
    let confirmed: Answer | undefined;
    await until(async () => {
      confirmed = await ask("/short.jpg/ik-info.json");
      return origin.requests.some((request) => request.headers["if-none-match"] !== undefined);
    }, "the origin is asked whether the file is still the same");
    assert(origin.count("short.jpg") > before);
    assert.equal(confirmed?.headers.etag, first.headers.etag);
    origin.files.set("short.jpg", { bytes: await photo(61, 40), headers: { "cache-control": "max-age=0" } });
    await until(
      async () => JSON.parse((await ask("/short.jpg/ik-info.json")).text).width === 61,
      "the new file is described",
    );
  });

  it("are purged with the file, and by their own URL", async () => {
    for (const target of [{ source: "/photo.jpg" }, { url: "/photo.jpg/ik-info.json" }]) {
      await ask("/photo.jpg/ik-info.json");
      assert.match(statusOf(await ask("/photo.jpg/ik-info.json")), /; hit/);
      const purge = { method: "POST", headers: basic, body: JSON.stringify(target) };
      assert.equal((await server.ask("/-/api/v1/files/purge", purge)).status, 201);
      await until(
        async () => !/; hit/.test(statusOf(await ask("/photo.jpg/ik-info.json"))),
        "it is forgotten",
      );
    }
  });

  it("fail as images do, and failures are cached", async () => {
    for (const [path, error] of [
      ["missing.jpg", "404 ENOENT"],
      ["broken.jpg", "404 UNIDENTIFIED"],
    ]) {
      assert.equal(errorOf(await ask(`/${path}`)), error);
      assert.equal(errorOf(await ask(`/${path}/ik-info.json`)), error);
      const asked = origin.count(`${path}`);
      const again = await ask(`/${path}/ik-info.json`);
      assert.equal(errorOf(again), error);
      assert.equal(origin.count(`${path}`), asked, `${path} is not asked for again`);
    }
  });

  it("of a file that is no media are its type and length", async () => {
    const { text } = await ask("/notes.txt/ik-info.json");
    assert.deepEqual(JSON.parse(text), { type: "text/plain", bytes: 4 });
  });

  it("contain the length of a file whose origin does not report it", async () => {
    assert.equal((await ask("/chunked.txt/ik-info.json?fields=bytes")).text, '{"bytes":9}');
  });

  it("are those of a file at an absolute URL, too", async () => {
    for (const url of [`${origin.url}/photo.jpg`, encodeURIComponent(`${origin.url}/photo.jpg?version=2`)]) {
      const { status, text } = await ask(`/proxy/${url}/ik-info.json?fields=width,height`);
      assert.deepEqual([status, text], [200, '{"width":120,"height":80}'], url);
    }
  });

  it("need a signature of their own wherever the file needs one", async () => {
    const path = "/photo.jpg/ik-info.json?fields=width";
    assert.equal(errorOf(await ask(`/signed${path}`)), "401 ESIGNATURE");
    const opened = await ask(`/signed${signed(path)}`);
    assert.deepEqual(JSON.parse(opened.text), { width: 120 });
    const ofImage = signed("/photo.jpg").split("?")[1];
    assert.equal(errorOf(await ask(`/signed/photo.jpg/ik-info.json?${ofImage}`)), "401 ESIGNATURE");
    const others = signed(path).replace("fields=width", "fields=height");
    assert.equal(errorOf(await ask(`/signed${others}`)), "401 ESIGNATURE");
    assert.equal(errorOf(await ask(`/signed/photo.jpg/ik-info.json?fields=none`)), "401 ESIGNATURE");
  });

  it("of a private file need a signature, on a miss, on a hit and for a 304", async () => {
    const path = "/private.jpg/ik-info.json";
    assert.equal(errorOf(await ask(path)), "401 ESIGNATURE");
    const opened = await ask(signed(path));
    assert.equal(JSON.parse(opened.text).width, 30);
    assert.match(opened.headers["cache-control"] ?? "", /^private\b/);
    assert.match(statusOf(await ask(signed(path))), /; hit/);
    assert.equal(errorOf(await ask(path)), "401 ESIGNATURE");
    const known = await ask(path, { "if-none-match": opened.headers.etag ?? "" });
    assert.equal(errorOf(known), "401 ESIGNATURE");
  });

  it("are open on an endpoint of named transformations, as the file is", async () => {
    assert.equal((await ask("/named/photo.jpg/ik-info.json")).status, 200);
    const chosen = await ask("/named/photo.jpg/ik-info.json?fields=colors");
    assert.equal(errorOf(chosen), "400 EINVAL");
    assert.equal(errorOf(await ask("/named/tr:w-10/photo.jpg/ik-info.json")), "400 EINVAL");
    assert.equal(errorOf(await ask("/named/tr:n-thumb/photo.jpg/ik-info.json")), "400 EINVAL");
  });

  it("follow the rules of the endpoint about clients", async () => {
    const answer = await ask("/limited/photo.jpg/ik-info.json", { "user-agent": "a robot" });
    assert.equal(errorOf(answer), "403 EFORBIDDEN");
  });

  it("of one tenant are not those of another", async () => {
    const path = "/photo.jpg/ik-info.json?fields=width";
    assert.equal((await ask(path)).text, '{"width":120}');
    assert.equal((await ask(path, { host: "acme.example" })).text, '{"width":10}');
    assert.equal((await ask(path)).text, '{"width":120}');
  });
});
