import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin, PluginApi } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, runInProcess, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { urlIpx } from "@mediatap/url-ipx";
import fc from "fast-check";
import sharp from "sharp";
import { rewriteText } from "../src/rewrite.ts";

const FROM = "https://site.example";
const TO = "https://img.example.com";

describe("mediatap migrate rewrite", () => {
  let folder: TestFolder;
  let server: TestServer;
  let jobs: PluginApi["jobs"];
  before(async () => {
    folder = await makeFolder({});
    await sharp({ create: { width: 120, height: 80, channels: 3, background: "teal" } })
      .jpeg()
      .toFile(join(folder.path, "a.jpg"));
    const plugins = ["url-ipx", "url-imagekit", "storage-fs", "image-sharp", "migrate"];
    const config = {
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
    };
    await writeFile(join(folder.path, "mediatap.config.json"), JSON.stringify({ ...config, plugins }));
    const caller: Plugin = {
      name: "caller",
      version: "1.0.0",
      apiVersion: 1,
      apply(api) {
        jobs = api.jobs;
      },
    };
    server = await startServer({
      ...config,
      plugins: [urlIpx(), urlImagekit(), storageFs(), imageSharp(), caller],
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const options = { from: new URL(FROM), to: new URL(TO), language: "url-imagekit" };

  it("replaces URLs in HTML, Markdown and JSON, and leaves the rest as it is", async () => {
    const html = `<img src="${FROM}/_ipx/w_60,h_40/a.jpg?v=1&amp;x=2" srcset="${FROM}/_ipx/w_60/a.jpg 1x, ${FROM}/_ipx/w_120/a.jpg 2x">`;
    const { text, urls } = await rewriteText(html, jobs, options, true);
    assert.equal(urls.filter((url) => url.new !== undefined).length, 3);
    assert.match(
      text,
      /srcset="https:\/\/img\.example\.com\/[^ ]+ 1x, https:\/\/img\.example\.com\/[^ ]+ 2x">$/,
    );
    assert.match(text, /v=1&amp;x=2/);
    const markdown = `See ![a](${FROM}/_ipx/blur_3/a.jpg), or ${FROM}/_ipx/w_60/a.jpg.`;
    const changed = await rewriteText(markdown, jobs, options);
    assert.match(
      changed.text,
      /^See !\[a\]\(https:\/\/img\.example\.com\/[^)]+\), or https:\/\/img\.example\.com\/\S+\.$/,
    );
  });

  it("says what it cannot express, and leaves such a URL as it is", async () => {
    const text = `${FROM}/_ipx/negate/a.jpg ${FROM}/_ipx/w_60/a.jpg`;
    const { text: changed, urls } = await rewriteText(text, jobs, options);
    assert.match(urls[0]?.message ?? "", /negate/);
    assert.ok(changed.startsWith(`${FROM}/_ipx/negate/a.jpg ${TO}/`));
  });

  it("makes URLs that give the same picture, or names what it cannot express", async () => {
    const parts = fc.record({
      size: fc.constantFrom(
        "w_60",
        "h_40",
        "w_60,h_40",
        "s_30x30",
        "s_50x50,fit_contain",
        "s_50x50,fit_inside",
      ),
      blur: fc.constantFrom("", ",blur_2"),
      format: fc.constantFrom("", ",f_webp", ",f_png", ",f_jpeg"),
      quality: fc.constantFrom("", ",q_60"),
    });
    await fc.assert(
      fc.asyncProperty(parts, async ({ size, blur, format, quality }) => {
        const old = `/_ipx/${size}${blur}${format}${quality}/a.jpg`;
        const { urls } = await rewriteText(`${FROM}${old}`, jobs, options);
        const own = urls[0]?.new;
        if (own === undefined)
          return assert.match(urls[0]?.message ?? "", /^Not supported in URLs of this language: /);
        const [a, b] = await Promise.all([server.ask(old), server.ask(own.slice(TO.length))]);
        assert.equal(a.status, 200);
        assert.equal(b.status, 200, `${own}: ${b.text}`);
        assert.equal(a.headers["content-type"], b.headers["content-type"]);
        assert.deepEqual(await pixels(a.body), await pixels(b.body), `${old} and ${own}`);
      }),
      { numRuns: 30 },
    );
  });

  it("prints what it would do, and writes with --write", async () => {
    const file = join(folder.path, "page.html");
    const before = `<img src="${FROM}/_ipx/w_60/a.jpg">`;
    await writeFile(file, before);
    const command = ["migrate", "rewrite", "--from", FROM, "--to", TO, file];
    const shown = await runInProcess(command, folder.path);
    assert.equal(shown.code, 0, shown.all);
    assert.match(
      shown.out,
      /^https:\/\/site\.example\/_ipx\/w_60\/a\.jpg → https:\/\/img\.example\.com\/\S+$/m,
    );
    assert.equal(await readFile(file, "utf8"), before);
    const written = await runInProcess([...command, "--write"], folder.path);
    assert.equal(written.code, 0, written.all);
    assert.match(await readFile(file, "utf8"), /^<img src="https:\/\/img\.example\.com\/[^"]+">$/);
  });
});

async function pixels(body: Buffer) {
  const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}
