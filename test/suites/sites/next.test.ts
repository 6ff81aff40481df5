import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { info } from "@mediatap/info";
import { createImageProps } from "@mediatap/next";
import { freePort, startServer, type TestServer, until } from "@mediatap/test";
import { urlNext } from "@mediatap/url-next";
import sharp from "sharp";
import { mediatap } from "../../../core/test/cli/mediatap.ts";
import { type App, makeApp, SERVICES, shownBy } from "../support/apps.ts";
import { type Browser, describeInBrowser, startChromium } from "../support/chromium.ts";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const NEXT = "next/dist/bin/next";
const WIDTHS = [160, 320, 640, 1280];

/**
 * An app whose first two images follow the configuration, whose third one has a loader of its own, and whose further ones have props that
 * the server described, or the command.
 */
const filesOf = (server: string): Readonly<Record<string, string>> => ({
  "next.config.mjs": `
    import { withMediatap } from "@mediatap/next";
    export default withMediatap(
      { turbopack: { root: ${JSON.stringify(SERVICES)} } },
      { server: ${JSON.stringify(`${server}/site`)}, widths: ${JSON.stringify(WIDTHS)} },
    );`,
  "app/layout.js": `
    export default function Layout({ children }) {
      return <html lang="en"><body style={{ margin: 0 }}>{children}</body></html>;
    }`,
  "app/page.js": `
    import Image from "next/image";
    import { createImageProps } from "@mediatap/next";
    import Loaded from "./loaded.js";
    import imported from "./imported.jpg";
    import manifest from "./manifest.json";
    const SMALL = { width: 100, height: "auto" };
    const byServer = createImageProps({ server: ${JSON.stringify(`${server}/built`)} });
    const byManifest = createImageProps({ manifest });
    export default async function Page() {
      return (
        <main>
          <Image id="fixed" src="/photo.jpg" alt="A photo" width={300} height={200} loading="eager" />
          <Image id="wide" src={imported} alt="A wide photo" sizes="100vw" style={{ width: "100%", height: "auto" }} loading="eager" />
          <Loaded />
          <Image id="described" src="/photo.jpg" alt="Described by the server" {...await byServer("/photo.jpg?v=2")} sizes="100px" style={SMALL} loading="eager" />
          <Image id="listed" src="/photo.jpg" alt="Described by a manifest" {...await byManifest("/photo.jpg")} sizes="100px" style={SMALL} loading="eager" />
        </main>
      );
    }`,
  "app/loaded.js": `
    "use client";
    import Image from "next/image";
    import { createLoader } from "@mediatap/next";
    const loader = createLoader({ server: ${JSON.stringify(`${server}/plain`)} });
    export default function Loaded() {
      return <Image id="loaded" loader={loader} src="/photo.jpg" alt="Loaded" width={100} height={67} quality={50} loading="eager" />;
    }`,
});

describeInBrowser("a Next app whose images the server renders", function () {
  this.timeout(600_000);
  let browser: Browser;
  let server: TestServer;
  let app: App;
  let serving: ChildProcess | undefined;
  let url: string;

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const picture = await photo(1200, 800);
    app = await makeApp("next", { "public/photo.jpg": picture, "app/imported.jpg": picture }, [
      "presets/html",
      "presets/next",
    ]);
    server = await startServer({
      plugins: [
        info(),
        urlNext({ deviceSizes: WIDTHS.slice(2), imageSizes: WIDTHS.slice(0, 2) }),
        ...(usual() ?? []),
      ],
      origins: {
        app: { type: "WEB_FOLDER", baseUrl: url },
        // While the app is built it does not serve.
        files: { type: "FOLDER", path: join(app.folder, "public") },
      },
      endpoints: {
        site: { origins: ["app"], languages: ["url-next"], widths: WIDTHS },
        built: { origins: ["files"], languages: ["url-imagekit"] },
        plain: { origins: ["app"], languages: ["url-imagekit"], widths: WIDTHS },
      },
      network: { allow: ["127.0.0.1"] },
    });
    for (const [path, text] of Object.entries(filesOf(server.url))) await app.write(path, text);
    const args = ["info", "public", "--fields", "width,height,thumbHash"];
    await app.write("app/manifest.json", (await mediatap(args, { cwd: app.folder })).out);
    await app.run(NEXT, "build");
    const child = app.start(NEXT, "start", "--port", String(port), "--hostname", "127.0.0.1");
    serving = child;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`the app ended: ${app.output()}`);
      return (await fetch(url).catch(() => undefined))?.ok;
    }, "the app serves");
  });
  after(async () => {
    await browser?.close();
    if (serving && serving.exitCode === null) {
      serving.kill();
      await once(serving, "close");
    }
    await server?.close();
    await app?.close();
  });

  it("shows them in widths of the endpoint, from the configuration and from a loader", async () => {
    const { fixed, wide, loaded, described, listed } = await shownBy(browser, url, { count: 5, width: 600 });
    const imported = /\/site\/_next\/image\?url=%2F_next%2Fstatic%2Fmedia%2Fimported\.[^&]+&w=640&q=75$/;
    assert.deepEqual(fixed, {
      url: `${server.url}/site/_next/image?url=%2Fphoto.jpg&w=320&q=75`,
      width: 320,
      height: 213,
      format: "webp",
    });
    assert.match(wide?.url ?? "", imported);
    assert.deepEqual({ ...wide, url: "" }, { url: "", width: 640, height: 427, format: "webp" });
    assert.deepEqual(loaded, {
      url: `${server.url}/plain/tr:w-160,c-at_max,q-50/photo.jpg`,
      width: 160,
      height: 107,
      format: "webp",
    });
    for (const image of [described, listed]) {
      assert.equal(image?.url, `${server.url}/site/_next/image?url=%2Fphoto.jpg&w=160&q=75`);
      assert.deepEqual([image.width, image.height], [160, 107]);
    }
  });

  it("has the sizes and placeholders that the server and the command described when it was built", async () => {
    const html = await (await fetch(url)).text();
    const images = [...html.matchAll(/<img [^>]*alt="Described by [^>]+>/g)].map(([image]) => image);
    assert.equal(images.length, 2, html);
    for (const image of images) {
      assert.match(image, /width="1200" height="800"/);
      const [, png = ""] =
        /background-image:url\(&quot;data:image\/png;base64,([^&]+)&quot;\)/.exec(image) ?? [];
      const { width, height } = await sharp(Buffer.from(png, "base64")).metadata();
      assert.deepEqual([width, height], [32, 23]);
    }
  });

  it("fails to build with an image that the server does not have", async () => {
    const props = createImageProps({ server: `${server.url}/built` });
    await assert.rejects(
      props("/missing.jpg"),
      /^Error: Expected a description of '\/missing\.jpg' but received 404 ENOENT - /,
    );
  });
});
