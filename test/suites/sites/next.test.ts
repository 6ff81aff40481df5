import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, startServer, type TestServer, until } from "@mediatap/test";
import { urlNext } from "@mediatap/url-next";
import { build } from "esbuild";
import { type Browser, describeInBrowser, inPage, startChromium } from "../support/chromium.ts";
import { usual } from "../support/plugins.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SERVICES = join(ROOT, "test/services");
const WIDTHS = [160, 320, 640, 1280];

/** An app whose first two images follow the configuration, and whose third one has a loader of its own. */
const filesOf = (server: string): Readonly<Record<string, string>> => ({
  "package.json": '{ "type": "module" }',
  "next.config.mjs": `
    import { withMediatap } from "./mediatap-next.mjs";
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
    import Loaded from "./loaded.js";
    import imported from "./imported.jpg";
    export default function Page() {
      return (
        <main>
          <Image id="fixed" src="/photo.jpg" alt="A photo" width={300} height={200} loading="eager" />
          <Image id="wide" src={imported} alt="A wide photo" sizes="100vw" style={{ width: "100%", height: "auto" }} loading="eager" />
          <Loaded />
        </main>
      );
    }`,
  "app/loaded.js": `
    "use client";
    import Image from "next/image";
    import { createLoader } from "../mediatap-next.mjs";
    const loader = createLoader({ server: ${JSON.stringify(`${server}/plain`)} });
    export default function Loaded() {
      return <Image id="loaded" loader={loader} src="/photo.jpg" alt="Loaded" width={100} height={67} quality={50} loading="eager" />;
    }`,
});

interface Seen {
  readonly url: string;
  readonly width: number;
}

describeInBrowser("a Next app whose images the server renders", function () {
  this.timeout(600_000);
  let folder: string;
  let browser: Browser;
  let server: TestServer;
  let app: ChildProcess;
  let url: string;

  before(async function () {
    const started = await startChromium();
    if (!started) return this.skip();
    browser = started;
    await mkdir(join(SERVICES, ".cache"), { recursive: true });
    folder = await mkdtemp(join(SERVICES, ".cache/next-"));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    server = await startServer({
      plugins: [
        urlNext({ deviceSizes: WIDTHS.slice(2), imageSizes: WIDTHS.slice(0, 2) }),
        ...(usual() ?? []),
      ],
      origins: { app: { type: "WEB_FOLDER", baseUrl: url } },
      endpoints: {
        site: { origins: ["app"], languages: ["url-next"], widths: WIDTHS },
        plain: { origins: ["app"], languages: ["url-imagekit"], widths: WIDTHS },
      },
      network: { allow: ["127.0.0.1"] },
    });
    for (const [name, text] of Object.entries(filesOf(server.url))) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    await mkdir(join(folder, "public"));
    const photo = join(ROOT, "examples/start/media/dogs.jpg");
    await cp(photo, join(folder, "public/photo.jpg"));
    await cp(photo, join(folder, "app/imported.jpg"));
    await build({
      entryPoints: [join(ROOT, "presets/next/src/index.ts")],
      outfile: join(folder, "mediatap-next.mjs"),
      bundle: true,
      format: "esm",
      // For browsers esbuild would replace NODE_ENV.
      platform: "node",
      conditions: ["mediatap:source"],
    });
    const [code] = (await once(next("build"), "close")) as [number];
    assert.equal(code, 0, said);
    app = next("start", "--port", String(port), "--hostname", "127.0.0.1");
    await until(async () => {
      if (app.exitCode !== null) throw new Error(`the app ended: ${said}`);
      return (await fetch(url).catch(() => undefined))?.ok;
    }, "the app serves");
  });
  after(async () => {
    await browser?.close();
    if (app && app.exitCode === null) {
      app.kill();
      await once(app, "close");
    }
    await server?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  let said = "";
  function next(...args: string[]): ChildProcess {
    const program = join(SERVICES, "node_modules/next/dist/bin/next");
    const { NODE_ENV: _, NODE_OPTIONS: __, ...env } = process.env;
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { ...env, NEXT_TELEMETRY_DISABLED: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => {
        said += text;
      });
    }
    return child;
  }

  it("shows them in widths of the endpoint, from the configuration and from a loader", async () => {
    const page = await browser.newPage({ viewport: { width: 600, height: 800 } });
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(url);
    const images = `[...document.images]`;
    await page.waitForFunction(inPage(`${images}.length === 3 && ${images}.every((one) => one.complete)`));
    const seen = await page.evaluate<Record<string, Seen>>(
      inPage(
        `Promise.all(${images}.map(async (one) => [one.id, {
          url: one.currentSrc,
          width: (await createImageBitmap(await (await fetch(one.currentSrc)).blob())).width,
        }])).then(Object.fromEntries)`,
      ),
    );
    assert.deepEqual(errors, []);
    assert.deepEqual(seen.fixed, {
      url: `${server.url}/site/_next/image?url=%2Fphoto.jpg&w=320&q=75`,
      width: 320,
    });
    assert.match(
      seen.wide?.url ?? "",
      /\/site\/_next\/image\?url=%2F_next%2Fstatic%2Fmedia%2Fimported\.[^&]+&w=640&q=75$/,
    );
    assert.equal(seen.wide?.width, 640);
    assert.deepEqual(seen.loaded, {
      url: `${server.url}/plain/tr:w-160,c-at_max,q-50/photo.jpg`,
      width: 160,
    });
    await page.close();
  });
});
