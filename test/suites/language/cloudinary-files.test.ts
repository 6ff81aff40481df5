import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import {
  describeWith,
  FFMPEG,
  makeFolder,
  runFfmpeg,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { type UrlCloudinaryOptions, urlCloudinary } from "@mediatap/url-cloudinary";
import { sign, urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { v2 as cloudinary, type TransformationOptions } from "cloudinary";
import sharp from "sharp";
import { BLUE, png, RED } from "../support/looks.ts";
import { testCache } from "../support/plugins.ts";

const KEY = "api secret";

describe("files behind Cloudinary's URLs", () => {
  let folder: TestFolder;
  let web: WebOrigin;
  const servers: TestServer[] = [];
  before(async () => {
    const [red, blue] = [await png(40, 30, RED), await png(60, 30, BLUE)];
    folder = await makeFolder({
      "shop/shoe.png": red,
      "shop/bare": red,
      "image/upload/shoe.png": red,
      "image/authenticated/shoe.png": blue,
      "w_dash/shoe.png": red,
      "list.csv": "a,b\n",
    });
    web = await startOrigin({ "far away.png": blue });
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await web.close();
    await folder.close();
  });

  async function open(options: UrlCloudinaryOptions, rules: object = {}): Promise<TestServer> {
    const server = await startServer({
      plugins: [urlCloudinary(options), storageFs(), storageWeb({ retries: 0 }), imageSharp()],
      origins: {
        files: { type: "FOLDER", path: folder.path },
        any: { type: "WEB_PROXY", ports: [80, 443, web.port] },
      },
      endpoints: { default: { origins: ["files", "any"], ...rules } },
      network: { allow: [`127.0.0.1:${web.port}`] },
    });
    servers.push(server);
    return server;
  }

  const urlOf = (publicId: string, options: object) =>
    cloudinary
      .url(publicId, {
        cloud_name: "demo",
        secure: true,
        private_cdn: true,
        ...options,
      } as TransformationOptions)
      .replace("https://demo-res.cloudinary.com", "");

  /** Format and width of what a URL shows, or its status. */
  async function shown(server: TestServer, url: string): Promise<string> {
    const { status, body } = await server.ask(url);
    if (status !== 200) return String(status);
    const { format, width } = await sharp(body).metadata();
    return `${format} ${width}`;
  }

  it("are those of the path, if no option says otherwise", async () => {
    const server = await open({});
    const small = { width: 20, crop: "scale" };
    assert.equal(await shown(server, urlOf("shop/shoe.png", small)), "png 20");
    assert.equal(
      await shown(server, urlOf("shop/shoe", { ...small, format: "png", url_suffix: "a-shoe" })),
      "png 20",
    );
    assert.equal(await shown(server, urlOf("shop/shoe.png", { ...small, shorten: true })), "png 20");
    assert.equal(await shown(server, urlOf("shop/bare", { ...small, fetch_format: "webp" })), "webp 20");
    assert.equal(await shown(server, urlOf("shop/shoe.webp", small)), "404");
    assert.equal(await shown(server, urlOf("w_dash/shoe.png", small)), "png 20", "a version before a folder");
    assert.equal(await shown(server, `/demo${urlOf("shop/shoe.png", small)}`), "404");
    const { text } = await server.ask(urlOf("list.csv", { resource_type: "raw" }));
    assert.equal(text, "a,b\n");
  });

  it("have one extension, and URLs another one, which is the format", async () => {
    const server = await open({ extension: "png" });
    const small = { width: 20, crop: "scale" };
    assert.equal(await shown(server, urlOf("shop/shoe", small)), "png 20");
    assert.equal(await shown(server, urlOf("shop/shoe.webp", small)), "webp 20");
    assert.equal(await shown(server, urlOf("shop/shoe.jpg", {})), "jpeg 40");
    assert.equal(await shown(server, urlOf("shop/shoe.jpg", { ...small, fetch_format: "avif" })), "heif 20");
    const { body } = await server.ask(urlOf("shop/shoe", {}));
    assert.deepEqual(body, await readFile(join(folder.path, "shop/shoe.png")));
  });

  it("have no extension", async () => {
    const server = await open({ extension: "" });
    assert.equal(await shown(server, urlOf("shop/bare.webp", {})), "webp 40");
    assert.equal(await shown(server, urlOf("shop/bare", { width: 20, crop: "scale" })), "png 20");
  });

  it("are in folders by type, of which the protected ones need a signature", async () => {
    const server = await open({ preserveAssetDeliveryTypes: true }, { privateKeys: [KEY] });
    const options = { width: 20, crop: "scale" };
    assert.equal(await shown(server, urlOf("shoe.png", options)), "png 20");
    const signed = { ...options, type: "authenticated", sign_url: true, api_secret: KEY };
    const { body } = await server.ask(urlOf("shoe.png", signed));
    assert.deepEqual([...(await sharp(body).raw().toBuffer()).subarray(0, 3)], [0, 0, 255]);
    assert.equal(await shown(server, urlOf("shoe.png", { ...options, type: "authenticated" })), "401");
    // No layer and no default image reaches another type.
    for (const reached of [
      "l_image:image:authenticated:shoe.png",
      "l_image:authenticated:shoe.png",
      "l_image/authenticated",
    ]) {
      assert.equal(await shown(server, `/image/upload/${reached}/shoe.png`), "404", reached);
    }
    assert.equal(await shown(server, "/image/upload/d_image:authenticated:shoe.png/none.png"), "404");
    assert.equal(await shown(server, "/image/upload/d_shoe.png/none.png"), "png 40");
    assert.equal(await shown(server, "/image/upload/l_shoe.png,w_5/shoe.png"), "png 40");
    assert.equal(await shown(server, urlOf("../authenticated/shoe.png", options)), "400");
  });

  it("of protected types need a signature in other languages and on other endpoints, too", async () => {
    const origins = { origins: ["files"], privateKeys: [KEY] };
    const server = await startServer({
      plugins: [
        urlCloudinary({ preserveAssetDeliveryTypes: true }),
        urlImagekit(),
        storageFs(),
        imageSharp(),
        testCache(),
      ],
      origins: {
        files: { type: "FOLDER", path: folder.path },
      },
      endpoints: {
        default: { ...origins, languages: ["url-cloudinary", "url-imagekit"] },
        other: { ...origins, languages: ["url-imagekit"] },
      },
    });
    servers.push(server);
    const file = "image/authenticated/shoe.png";
    const name = file.replaceAll("/", "@@");
    const signed = (url: string) => `${url}${url.includes("?") ? "&" : "?"}ik-s=${sign(url.slice(1), KEY)}`;
    for (const url of [
      `/tr:w-10/${file}`,
      `/tr:orig-true/${file}`,
      `/tr:l-image,i-${name},w-5,l-end/image/upload/shoe.png`,
      `/tr:di-${name}/none.png`,
    ]) {
      for (const prefix of ["", "/other"]) {
        const status = url.includes("di-") ? "404" : "401";
        // Before and after a rendition is in the cache.
        assert.equal(await shown(server, prefix + url), status, prefix + url);
        assert.match(await shown(server, `${prefix}${signed(url)}`), /^png /, prefix + url);
        assert.equal(await shown(server, prefix + url), status, prefix + url);
      }
    }
    assert.equal(await shown(server, `/other/${file}`), "401");
    assert.equal(await shown(server, `/other${signed(`/${file}`)}`), "png 60");
    assert.equal(await shown(server, "/tr:w-10/image/upload/shoe.png"), "png 10");
  });

  it("are fetched from an address, in each spelling", async () => {
    const server = await open({});
    const address = `${web.url}/far%20away.png`;
    const options = { type: "fetch", width: 20, crop: "scale" };
    for (const url of [
      urlOf(address, options),
      urlOf(address, { ...options, sign_url: true, api_secret: KEY }),
      `/image/fetch/w_20/${encodeURIComponent(address)}`,
      `/image/fetch/w_20/${address}`,
    ]) {
      assert.equal(await shown(server, url), "png 20", url);
    }
    assert.equal(await shown(server, `/image/fetch/http://127.0.0.1:1/a.png`), "404");
  });

  it("are fetched with the query that was signed, and no other", async () => {
    const server = await open({}, { privateKeys: [KEY], restrictUnsigned: "all" });
    const address = `${web.url}/far%20away.png`;
    const signature = createHash("sha256")
      .update(`w_20/${address}?id=1${KEY}`)
      .digest("base64url")
      .slice(0, 32);
    const signed = `/image/fetch/s--${signature}--/w_20/${address}`;
    assert.equal(await shown(server, `${signed}?id=1`), "png 20");
    assert.equal(await shown(server, `${signed}?id=1&_a=BAMAK`), "png 20", "statistics of the clients");
    const { length } = web.requests;
    for (const query of ["", "?id=2", "?id=1&more", "?_a=1&id=2"]) {
      assert.equal(await shown(server, signed + query), "401", query);
    }
    const options = { type: "fetch", width: 20, crop: "scale", sign_url: true, api_secret: KEY };
    assert.equal(web.requests.length, length);
    const encoded = urlOf(`${address}?id=1`, options);
    assert.equal(await shown(server, encoded), "png 20", encoded);
    assert.equal(await shown(server, `${encoded}&id=2`), "401");
  });

  it("have one rendition for a signature, whatever the query", async () => {
    const rules = { privateKeys: [KEY], restrictUnsigned: "all", cacheStatusKey: true };
    const server = await open({}, rules);
    const url = urlOf("shop/shoe.png", { width: 20, crop: "scale", sign_url: true, api_secret: KEY });
    const keys = new Set<string | undefined>();
    for (const query of ["", "?z=1", "?z=2", "?_a=1&z"]) {
      const { status, headers } = await server.ask(url + query);
      assert.equal(status, 200, query);
      keys.add(/key="?([^";]+)/.exec(headers["cache-status"] ?? "")?.[1]);
    }
    assert.equal(keys.size, 1);
    assert(!keys.has(undefined));
  });
});

describeWith(FFMPEG, "videos behind Cloudinary's URLs", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({});
    const colours = ["red", "blue"].flatMap((colour) => [
      "-f",
      "lavfi",
      "-i",
      `color=${colour}:s=160x120:d=1:r=10`,
    ]);
    const sound = ["-f", "lavfi", "-i", "sine=d=2"];
    const joined = [
      "-filter_complex",
      "[0][1]concat=n=2[v]",
      "-map",
      "[v]",
      "-map",
      "2:a",
      "-pix_fmt",
      "yuv420p",
    ];
    await runFfmpeg(join(folder.path, "two.mp4"), ...colours, ...sound, ...joined);
    server = await startServer({
      plugins: [urlCloudinary(), storageFs(), imageSharp(), videoFfmpeg()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const urlOf = (publicId: string, options: object) =>
    cloudinary
      .url(publicId, {
        cloud_name: "demo",
        secure: true,
        private_cdn: true,
        resource_type: "video",
        ...options,
      } as TransformationOptions)
      .replace("https://demo-res.cloudinary.com", "");

  it("become pictures of a moment", async () => {
    const small = { width: 40, crop: "scale" };
    for (const [options, [red, , blue]] of [
      [{ ...small, start_offset: "0.2" }, [255, 0, 0]],
      [{ ...small, start_offset: "1.5" }, [0, 0, 255]],
      [{ ...small, start_offset: "75%" }, [0, 0, 255]],
      [{ start_offset: "25p", transformation: [small] }, [255, 0, 0]],
    ] as const) {
      const url = urlOf("two.jpg", options);
      const { status, body, text } = await server.ask(url);
      assert.equal(status, 200, `${url}: ${text}`);
      const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
      const scaled = "width" in options ? 40 : info.width;
      assert.equal(info.width, scaled, url);
      assert(
        Math.abs((data[0] ?? 0) - red) < 60 && Math.abs((data[2] ?? 0) - blue) < 60,
        `${url}: ${data.subarray(0, 3)}`,
      );
    }
  });

  it("are cut, scaled and muted", async () => {
    const url = urlOf("two.mp4", {
      width: 80,
      crop: "scale",
      start_offset: 0.5,
      end_offset: 1.5,
      audio_codec: "none",
    });
    const { status, headers, body } = await server.ask(url);
    assert.deepEqual([status, headers["content-type"]], [200, "video/mp4"], url);
    assert(body.length > 500);
    const whole = await server.ask(urlOf("two.mp4", {}));
    assert.deepEqual(whole.body, await readFile(join(folder.path, "two.mp4")));
  });

  it("are refused by name where the server cannot do it", async () => {
    for (const options of [
      { streaming_profile: "hd" },
      { bit_rate: "500k" },
      { fps: 25 },
      { effect: "reverse" },
      { video_codec: "h265" },
      { start_offset: "auto" },
      { keyframe_interval: 2 },
      { video_sampling: 20 },
      { audio_frequency: 44100 },
    ]) {
      const { status, text } = await server.ask(urlOf("two.mp4", options));
      assert.equal(status, 403, JSON.stringify(options));
      assert.match(text, /Not supported here: .+ \(.+\)/);
    }
  });
});
