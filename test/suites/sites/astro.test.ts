import assert from "node:assert/strict";
import { join } from "node:path";
import { startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { type App, makeApp, serveSite, shownBy } from "../support/apps.ts";
import { type Browser, describeInBrowser, startChromium } from "../support/chromium.ts";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const WIDTHS = [160, 320, 640, 1280];

const pageOf = (server: string) => `---
import { transform } from "@mediatap/html/unpic";
import { transformBaseImageProps } from "@unpic/core/base";
import { Image, Picture } from "astro:assets";
import photo from "../photo.jpg";
const unpic = transformBaseImageProps({
  src: "/public.jpg",
  alt: "By unpic",
  width: 200,
  height: 100,
  layout: "fixed",
  priority: true,
  transformer: transform,
  operations: { quality: 40 },
  options: { server: "${server}/site", widths: ${JSON.stringify(WIDTHS)} },
});
---
<html lang="en">
  <body style="margin: 0">
    <Image id="imported" src={photo} alt="Imported" width={300} layout="constrained" loading="eager" />
    <Image id="cropped" src="/public.jpg" alt="Cropped" width={300} height={100} position="top" quality="low" densities={[1, 2]} loading="eager" />
    <Picture id="picture" src={photo} alt="Two formats" width={150} formats={["avif"]} loading="eager" />
    <img id="unpic" {...unpic} />
  </body>
</html>
`;

const configOf = (server: string) => `
  import { mediatapImageService } from "@mediatap/astro";
  export default {
    image: { service: mediatapImageService({ server: "${server}/site", widths: ${JSON.stringify(WIDTHS)} }) },
    // Another package of the tests needs an older one.
    vite: { environments: { prerender: { resolve: { noExternal: ["cookie"] } } } },
  };`;

describeInBrowser("an Astro site whose images the server renders", function () {
  this.timeout(600_000);
  let browser: Browser;
  let server: TestServer;
  let app: App;
  let site: WebOrigin;

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    const picture = await photo(1200, 900);
    app = await makeApp("astro", { "src/photo.jpg": picture, "public/public.jpg": picture }, [
      "presets/html",
      "presets/astro",
    ]);
    server = await startServer({
      plugins: usual(),
      origins: { site: { type: "FOLDER", path: join(app.folder, "dist") } },
      endpoints: { site: { origins: ["site"], widths: WIDTHS, otherWidths: "refuse" } },
    });
    await app.write("src/pages/index.astro", pageOf(server.url));
    await app.write("astro.config.mjs", configOf(server.url));
    await app.run("astro/bin/astro.mjs", "build");
    site = await serveSite(join(app.folder, "dist"));
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await server?.close();
    await app?.close();
  });

  it("has the types of Astro and unpic", () =>
    app.checkTypes(`
      import * as provider from "@mediatap/html/unpic";
      import type { TransformerFunction } from "unpic";
      import { mediatapImageService } from "@mediatap/astro";
      import service from "@mediatap/astro/service";
      import type { AstroUserConfig, ExternalImageService } from "astro";
      export const transform: TransformerFunction<provider.MediatapOperations, provider.MediatapOptions> = provider.transform;
      export const used: ExternalImageService = service;
      export const config: AstroUserConfig = { image: { service: mediatapImageService({ server: "/images" }) } };`));

  it("shows them in widths of the endpoint, in their shapes and formats", async () => {
    const shown = await shownBy(browser, site.url, { count: 4, width: 600 });
    const { imported, cropped, picture, unpic } = shown;
    assert.match(imported?.url ?? "", /\/site\/tr:w-320,c-at_max\/_astro\/photo\.[^/]+\.jpg$/);
    assert.deepEqual({ ...imported, url: "" }, { url: "", width: 320, height: 240, format: "webp" });
    assert.deepEqual(cropped, {
      url: `${server.url}/site/tr:w-320,ar-3-1,fo-top,q-25/public.jpg`,
      width: 320,
      height: 107,
      format: "webp",
    });
    assert.deepEqual(unpic, {
      url: `${server.url}/site/tr:w-320,ar-2-1,q-40/public.jpg`,
      width: 320,
      height: 160,
      format: "webp",
    });
    // sharp calls AVIF by the name of its container.
    assert.deepEqual({ ...picture, url: "" }, { url: "", width: 160, height: 120, format: "heif" });
  });
});
