import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { startOrigin, type WebOrigin } from "@mediatap/test";
import { build } from "esbuild";
import sharp from "sharp";
import { type Browser, inPage } from "./chromium.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** What `npm ci --prefix test/services` installs: frameworks, among others. */
export const SERVICES = join(ROOT, "test/services");

const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

/** An app of a framework, in a folder below that of the frameworks. */
export interface App {
  readonly folder: string;
  write(path: string, content: string | Uint8Array): Promise<void>;
  /** Checks the types of a module. */
  checkTypes(code: string): Promise<void>;
  /** Starts a program of `test/services`, by its path in `node_modules`. */
  start(program: string, ...args: readonly string[]): ChildProcess;
  /** Runs a program to its end, which has to be a good one. */
  run(program: string, ...args: readonly string[]): Promise<void>;
  /** What its programs wrote. */
  readonly output: () => string;
  close(): Promise<void>;
}

/** `packages`: folders of this repository, which the app finds as if npm had installed them. */
export async function makeApp(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  packages: readonly string[],
): Promise<App> {
  await mkdir(join(SERVICES, ".cache"), { recursive: true });
  const folder = await mkdtemp(join(SERVICES, `.cache/${name}-`));
  let output = "";
  const app: App = {
    folder,
    async write(path, content) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    },
    async checkTypes(code) {
      await app.write("types.ts", code);
      const compilerOptions = { composite: false, noEmit: true, rootDir: "/" };
      const config = { extends: join(ROOT, "tsconfig.base.json"), compilerOptions, files: ["types.ts"] };
      await app.write("tsconfig.json", JSON.stringify(config));
      await app.run(TSC, "--project", ".");
      await Promise.all(["types.ts", "tsconfig.json"].map((path) => rm(join(folder, path))));
    },
    start(program, ...args) {
      const { NODE_ENV: _, NODE_OPTIONS: __, ...env } = process.env;
      const child = spawn(process.execPath, [resolve(SERVICES, "node_modules", program), ...args], {
        cwd: folder,
        env: {
          ...env,
          ASTRO_TELEMETRY_DISABLED: "1",
          NEXT_TELEMETRY_DISABLED: "1",
          NUXT_TELEMETRY_DISABLED: "1",
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (text) => {
          output += text;
        });
      }
      return child;
    },
    async run(program, ...args) {
      const [code] = (await once(app.start(program, ...args), "close")) as [number];
      assert.equal(code, 0, output);
    },
    output: () => output,
    close: () => rm(folder, { recursive: true, force: true }),
  };
  await app.write("package.json", '{ "type": "module" }');
  for (const [path, content] of Object.entries(files)) await app.write(path, content);
  await Promise.all(packages.map((path) => install(join(ROOT, path), folder)));
  return app;
}

/** Bundles what a package exports, as `build.ts` does; its types are those of its sources. */
async function install(from: string, app: string): Promise<void> {
  const { name, exports } = JSON.parse(await readFile(join(from, "package.json"), "utf8")) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, { readonly "mediatap:source": string }>>;
  };
  const to = join(app, "node_modules", name);
  await build({
    entryPoints: Object.values(exports).map((entry) => join(from, entry["mediatap:source"])),
    outdir: join(to, "dist/bundle"),
    bundle: true,
    splitting: true,
    packages: "external",
    format: "esm",
    // For browsers esbuild would replace NODE_ENV.
    platform: "node",
  });
  for (const part of ["package.json", "src"]) await cp(join(from, part), join(to, part), { recursive: true });
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/** A web server for a folder of static files. */
export function serveSite(folder: string): Promise<WebOrigin> {
  const files = globSync("**/*", { cwd: folder, withFileTypes: true }).filter((file) => file.isFile());
  return startOrigin(
    Object.fromEntries(
      files.map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        const headers = { "content-type": TYPES[extname(name)] ?? "application/octet-stream" };
        const served = path.slice(folder.length + 1).replace(/(?<=^|\/)index\.html$/, "");
        return [served, { bytes: readFileSync(path), headers }];
      }),
    ),
  );
}

/** An image that a page shows, as the browser received it. */
export interface Shown {
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly format: string;
}

/** Opens a page, waits for all images, and returns them by the `id` of their elements. Fails if one is not shown. */
export async function shownBy(
  browser: Browser,
  url: string,
  options: { readonly count: number; readonly width: number },
): Promise<Readonly<Record<string, Shown>>> {
  const page = await browser.newPage({ viewport: { width: options.width, height: 800 } });
  try {
    const errors: string[] = [];
    const bodies = new Map<string, () => Promise<Uint8Array>>();
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("response", (response) => bodies.set(response.url(), () => response.body()));
    await page.goto(url);
    const images = "[...document.images]";
    const isShown = "one.complete && one.naturalWidth > 0";
    await page.waitForFunction(
      inPage(`${images}.length === ${options.count} && ${images}.every((one) => ${isShown})`),
    );
    const urls = await page.evaluate<Record<string, string>>(
      inPage(`Object.fromEntries(${images}.map((one) => [one.id, one.currentSrc]))`),
    );
    assert.deepEqual(errors, []);
    const shown = Object.entries(urls).map(async ([id, src]) => {
      const { width, height, format } = await sharp(await bodies.get(src)?.()).metadata();
      return [id, { url: src, width, height, format: format as string }] as const;
    });
    return Object.fromEntries(await Promise.all(shown));
  } finally {
    await page.close();
  }
}
