import assert from "node:assert/strict";
import { join } from "node:path";
import { startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { type App, makeApp, serveSite, shownBy } from "../support/apps.ts";
import { type Browser, describeInBrowser, startChromium } from "../support/chromium.ts";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const WIDTHS = [160, 320, 640, 1280];

const PAGE = `
  <template>
    <main>
      <NuxtImg id="own" src="/photo.jpg" alt="Its own shape" width="300" />
      <NuxtImg id="cropped" src="/photo.jpg" alt="Cropped" width="300" height="100" fit="cover" quality="25" :modifiers="{ position: 'top' }" />
      <NuxtImg id="wide" src="/photo.jpg" alt="As wide as the page" sizes="100vw sm:600px" densities="x1" />
      <NuxtPicture src="/photo.jpg" alt="Two formats" sizes="150px sm:150px" format="avif" :img-attrs="{ id: 'picture' }" />
    </main>
  </template>`;

const configOf = (server: string) => `
  import { mediatapImages } from "@mediatap/nuxt";
  export default {
    modules: ["@nuxt/image"],
    image: mediatapImages({ server: "${server}/site", widths: ${JSON.stringify(WIDTHS)} }),
    compatibilityDate: "2026-11-30",
    devtools: { enabled: false },
    telemetry: false,
  };`;

describeInBrowser("a Nuxt site whose images the server renders", function () {
  this.timeout(600_000);
  let browser: Browser;
  let server: TestServer;
  let app: App;
  let site: WebOrigin;

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    app = await makeApp("nuxt", { "app/app.vue": PAGE, "public/photo.jpg": await photo(1200, 900) }, [
      "presets/html",
      "presets/nuxt",
    ]);
    server = await startServer({
      plugins: usual(),
      origins: { site: { type: "FOLDER", path: join(app.folder, "public") } },
      endpoints: { site: { origins: ["site"], widths: WIDTHS, otherWidths: "refuse" } },
    });
    await app.write("nuxt.config.ts", configOf(server.url));
    await app.run("nuxt/bin/nuxt.mjs", "generate");
    site = await serveSite(join(app.folder, ".output/public"));
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await server?.close();
    await app?.close();
  });

  it("has the types of Nuxt Image", () =>
    app.checkTypes(`
      import { mediatapImages } from "@mediatap/nuxt";
      import provider, { type ProviderOptions } from "@mediatap/nuxt/provider";
      import type { ImageProvider, ModuleOptions } from "@nuxt/image";
      export const used: () => ImageProvider<ProviderOptions> = provider;
      export const config: Partial<ModuleOptions> = mediatapImages({ server: "/images" });`));

  it("shows them in widths of the endpoint, in their shapes and formats", async () => {
    const shown = await shownBy(browser, site.url, { count: 4, width: 600 });
    const url = (parameters: string) => `${server.url}/site/tr:${parameters}/photo.jpg`;
    assert.deepEqual(shown, {
      own: { url: url("w-320,c-at_max"), width: 320, height: 240, format: "webp" },
      cropped: { url: url("w-320,ar-3-1,fo-top,q-25"), width: 320, height: 107, format: "webp" },
      wide: { url: url("w-640,c-at_max"), width: 640, height: 480, format: "webp" },
      // sharp calls AVIF by the name of its container.
      picture: { url: url("w-160,c-at_max,f-avif"), width: 160, height: 120, format: "heif" },
    });
  });
});
