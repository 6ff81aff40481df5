import assert from "node:assert/strict";
import { join } from "node:path";
import { type LoadedConfig, loadConfig } from "../../src/config/load.ts";
import type { MediatapConfig } from "../../src/config/schema.ts";
import type { Plugin } from "../../src/plugin/plugin.ts";
import { createRuntime } from "../../src/server/runtime.ts";
import { createLogger } from "../../src/util/log.ts";
import { folderWith, messageOf } from "./folder.ts";

const plugin = (name: string, apply: Plugin["apply"] = () => {}): Plugin => ({
  name,
  version: "1.0.0",
  apiVersion: 1,
  apply,
});

/** A language that knows no URL, and a storage that has no file. */
const language = plugin("url-none", ({ hooks }) => hooks.resolve.tap("url-none", () => undefined));
const storage = plugin("storage-none", ({ hooks }) =>
  hooks.storage.for("NONE").tap("storage-none", () => ({ open: async () => undefined })),
);
const plugins = [language, storage];
const origins = { photos: { type: "NONE" }, archive: { type: "NONE" } };
const endpoints = { default: { origins: ["photos"] } };

const load = (config: MediatapConfig, base = import.meta.dirname) =>
  loadConfig(config, { source: "config", base });

async function start(config: MediatapConfig): Promise<LoadedConfig> {
  const loaded = await load(config);
  const log = createLogger({ level: "silent" });
  const runtime = await createRuntime(loaded, { log });
  await runtime.stop();
  return loaded;
}

const names = ({ plugins }: LoadedConfig) => plugins.map(({ name }) => name);

describe("loadConfig", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  before(async () => {
    const code = (name: string) =>
      `export default (options) => ({ name: ${JSON.stringify(name)}, version: "1", apiVersion: 1, apply() {}, options });`;
    folder = await folderWith({
      "own.ts": code("own").replace("(options)", "(options?: unknown)"),
      "node_modules/plain/package.json": { name: "plain", version: "1.0.0", main: "index.mjs" },
      "node_modules/plain/index.mjs": code("plain"),
      "node_modules/modern/package.json": {
        name: "modern",
        type: "module",
        exports: {
          ".": { types: "./x", import: "./in.js" },
          "./cache": { import: "./cache.js" },
          "./steps/*": { import: "./steps/*.js" },
        },
      },
      "node_modules/modern/cache.js": code("modern-cache"),
      "node_modules/modern/steps/blur.js": code("modern-blur"),
      "node_modules/modern/in.js": code("modern"),
      "node_modules/@scope/preset/package.json": {
        name: "@scope/preset",
        type: "module",
        exports: "./index.js",
      },
      "node_modules/@scope/preset/index.js": `export default ({ quality = 50 } = {}) => ({ quality, plugins: ["nested"] });`,
      "node_modules/@scope/preset/node_modules/nested/package.json": { name: "nested", main: "index.mjs" },
      "node_modules/@scope/preset/node_modules/nested/index.mjs": code("nested"),
      "node_modules/broken/package.json": { name: "broken", main: "index.mjs" },
      "node_modules/broken/index.mjs": `import "gone";`,
      "node_modules/odd/package.json": { name: "odd", main: "index.mjs" },
      "node_modules/odd/index.mjs": "export const a = 1;",
      "node_modules/picky/package.json": { name: "picky", main: "index.mjs" },
      "node_modules/picky/index.mjs": `export default () => { throw Object.assign(new Error("picky.size: Expected number"), { name: "MediaError", code: "ECONFIG", status: 500 }); };`,
      "node_modules/@mediatap/cache-own/package.json": { name: "@mediatap/cache-own", main: "index.mjs" },
      "node_modules/@mediatap/cache-own/index.mjs": code("cache-own"),
      "node_modules/@mediatap/plain/package.json": { name: "@mediatap/plain", main: "index.mjs" },
      "node_modules/@mediatap/plain/index.mjs": code("not-asked-for"),
      "elsewhere/node_modules/far/package.json": { name: "far", main: "index.mjs" },
      "elsewhere/node_modules/far/index.mjs": code("far"),
    });
  });
  after(() => folder.remove());

  it("loads plugins by package name or path, with options", async () => {
    const { plugins } = await load({ plugins: ["plain", ["modern", { a: 1 }], ["./own.ts"]] }, folder.path);
    assert.deepEqual(
      plugins.map((made) => [made.name, (made as Plugin & { options?: unknown }).options]),
      [
        ["plain", undefined],
        ["modern", { a: 1 }],
        ["own", undefined],
      ],
    );
  });

  it("loads sub-paths of packages for import only", async () => {
    const loaded = await load({ plugins: ["modern/cache", "modern/steps/blur"] }, folder.path);
    assert.deepEqual(names(loaded), ["modern-cache", "modern-blur"]);
    assert.match(
      await messageOf(() => load({ plugins: ["modern/none"] }, folder.path)),
      /cannot find the plugin 'modern\/none'/,
    );
  });

  it("knows Mediatap's own packages by their short names, where no other has that name", async () => {
    const loaded = await load({ plugins: ["cache-own", "plain"] }, folder.path);
    assert.deepEqual(names(loaded), ["cache-own", "plain"]);
  });

  it("loads presets by name, and their plugins from their own folder", async () => {
    const loaded = await load({ presets: [["@scope/preset", { quality: 60 }]] }, folder.path);
    assert.equal(loaded.config.quality, 60);
    assert.deepEqual(names(loaded), ["nested"]);
    assert.equal(loaded.provenances.get("quality"), "@scope/preset");
  });

  it("looks into further folders last", async () => {
    const packages = [join(folder.path, "elsewhere")];
    const loaded = await loadConfig(
      { plugins: ["far", "plain"] },
      { source: "c", base: folder.path, packages },
    );
    assert.deepEqual(names(loaded), ["far", "plain"]);
  });

  it("flattens lists and leaves falsy entries out", async () => {
    const loaded = await load({
      plugins: [false, [plugin("a"), [null, plugin("b"), undefined]], "", plugin("c")],
    });
    assert.deepEqual(names(loaded), ["a", "b", "c"]);
  });

  it("lets later ones win: presets, then the configuration, endpoints field by field", async () => {
    const { config, plugins, provenances } = await load({
      presets: [
        {
          quality: 10,
          autoAvif: true,
          plugins: [plugin("a"), plugin("b")],
          endpoints: { default: { origins: ["photos"], quality: 20 } },
        },
        false,
        { presets: [{ quality: 15, cors: false }], quality: 30 },
      ],
      plugins: [plugin("c"), { ...plugin("b"), version: "2.0.0" }],
      endpoints: { default: { origins: ["archive"] }, other: { origins: ["photos"] } },
      autoAvif: undefined,
    });
    assert.equal(config.quality, 30);
    assert.equal(config.autoAvif, true);
    assert.equal(config.cors, false);
    assert.deepEqual(config.endpoints, {
      default: { origins: ["archive"], quality: 20 },
      other: { origins: ["photos"] },
    });
    assert.deepEqual(
      plugins.map(({ name, version }) => `${name}@${version}`),
      ["a@1.0.0", "b@2.0.0", "c@1.0.0"],
    );
    assert.equal(provenances.get("quality"), "preset 2 of config");
    assert.equal(provenances.get("endpoints.default.quality"), "preset 1 of config");
    assert.equal(provenances.get("endpoints.default.origins"), "config");
  });

  it("keeps what the configuration was given as it is", async () => {
    const config = { presets: [{ quality: 10 }], plugins: [plugin("a")], endpoints };
    const before = structuredClone({ ...config, plugins: [] });
    await load(config);
    assert.deepEqual({ ...config, plugins: [] }, before);
    assert.equal(config.plugins.length, 1);
  });

  for (const [config, message] of [
    [
      { plugins: ["no-such-plugin"] },
      "config: plugins.0: cannot find the plugin 'no-such-plugin': neither it nor @mediatap/no-such-plugin is installed; if you mean the latter: npm install @mediatap/no-such-plugin",
    ],
    [
      { plugins: ["cache-dsk"] },
      `config: plugins.0: cannot find the plugin 'cache-dsk', did you mean "cache-disk"?`,
    ],
    [
      { plugins: ["@mediatap/cache-dsk"] },
      `config: plugins.0: cannot find the plugin '@mediatap/cache-dsk', did you mean "@mediatap/cache-disk"?`,
    ],
    [
      { presets: [["no-such-preset", {}]] },
      "config: presets.0: cannot find the preset 'no-such-preset': neither it nor @mediatap/no-such-preset is installed; if you mean the latter: npm install @mediatap/no-such-preset",
    ],
    [
      { plugins: ["./nowhere.js"] },
      "config: plugins.0: cannot find the plugin './nowhere.js': there is no such file",
    ],
    [{ plugins: ["odd"] }, "config: plugins.0: 'odd' has no default export that creates a plugin"],
    [{ plugins: ["picky"] }, "config: plugins.0: picky.size: Expected number"],
    [
      { plugins: [[plugin("a"), function storageFs() {}]] },
      "config: plugins.1: Expected a plugin but received its factory: write storageFs()",
    ],
    [{ presets: [() => ({})] }, "config: presets.0: Expected a preset but received its factory: write it()"],
    [
      { plugins: [{ name: "a", version: "1", apiVersion: 1 }] },
      "config: plugins.0: Expected a plugin { name, version, apiVersion, apply } but apply of a is missing",
    ],
    [
      { plugins: [5] },
      "config: plugins.0: Expected a plugin { name, version, apiVersion, apply } but name is missing",
    ],
    [
      { plugins: [{ name: "a", version: "1", apply() {} }] },
      "config: plugins.0: Expected a plugin { name, version, apiVersion, apply } but apiVersion of a is missing: this core has version 1 of the plugin API",
    ],
    [
      { plugins: [{ ...plugin("a"), apiVersion: "1" }] },
      "config: plugins.0: Expected a plugin { name, version, apiVersion, apply } but apiVersion of a is no number: this core has version 1 of the plugin API",
    ],
    [
      { plugins: [{ ...plugin("a"), apiVersion: 2 }] },
      "config: plugins.0: a 1.0.0 was written for version 2 of the plugin API, but this core has 1: install a newer @mediatap/core, or an older a",
    ],
    [
      { presets: [{ plugins: [{ ...plugin("a"), apiVersion: 0 }] }] },
      "config: preset 1 of config: plugins.0: a 1.0.0 was written for version 0 of the plugin API, but this core has 1: install a newer a",
    ],
    [
      { plugins: [plugin("a"), [plugin("b"), plugin("a")]] },
      "config: plugins.2: the plugin 'a' is in this list already, at plugins.0: remove one of the two",
    ],
    [{ plugins: "plain" }, "config: plugins: Expected an array"],
    [{ presets: [5] }, "config: presets.0: Expected a preset, an object with fields of a configuration"],
    [{ qualty: 5 }, 'config: qualty: unknown field, did you mean "quality"?'],
    [
      { endpoints: { default: { origin: ["a"], origins: ["a"] } } },
      'config: endpoints.default.origin: unknown field, did you mean "origins"?',
    ],
    [{ endpoints: { default: {} } }, "config: endpoints.default.origins: Expected array but it is missing"],
    [
      { endpoints: { default: { origins: [] } } },
      "config: endpoints.default.origins: Expected at least one origin but received an array",
    ],
    [
      { endpoints: { "-": { origins: ["a"] } } },
      "config: endpoints.-: Expected up to 100 letters, digits and hyphens, not - alone, but is named '-'",
    ],
    [
      { endpoints: { default: { origins: ["a"], hosts: ["https://a.example/"] } } },
      "config: endpoints.default.hosts.0: Expected a host name without scheme, port and path but received 'https://a.example/'",
    ],
    [{ origins: { a: { path: "x" } } }, "config: origins.a.type: Expected string but it is missing"],
    [{ blockedIps: ["1.2.3"] }, "config: blockedIps.0: Expected an IP address or CIDR but received '1.2.3'"],
    [{ privateKey: "" }, "config: privateKey: Expected a key that is not empty but received ''"],
    [[], "config: Expected an object as the configuration but received an array"],
    [null, "config: Expected an object as the configuration but received null"],
    [() => ({}), "config: Expected an object as the configuration but received function"],
  ] as [MediatapConfig, string][]) {
    it(`says: ${message}`, async () => {
      assert.equal(await messageOf(() => load(config, folder.path)), message);
    });
  }

  it("reports why a package could not be loaded", async () => {
    const message = await messageOf(() => load({ plugins: ["broken"] }, folder.path));
    assert.match(message, /^config: plugins\.0: 'broken' could not be loaded: Cannot find package 'gone'/);
  });

  it("ends presets that start from themselves", async () => {
    const preset: { presets: MediatapConfig[] } = { presets: [] };
    preset.presets.push(preset);
    assert.match(await messageOf(() => load(preset)), /^config: presets: Expected at most 20 nested presets/);
  });
});

describe("a runtime", () => {
  it("is made of a configuration that is right", async () => {
    await start({ plugins, origins, endpoints });
  });

  for (const [config, message] of [
    [
      { plugins, origins },
      'config: endpoints: Expected at least one endpoint, for instance endpoints: { default: { origins: ["photos"] } }',
    ],
    [
      { plugins, origins, endpoints: {} },
      'config: endpoints: Expected at least one endpoint, for instance endpoints: { default: { origins: ["photos"] } }',
    ],
    [
      { plugins: [storage], origins, endpoints },
      "config: plugins: Expected at least one URL language, for instance presets: [presetMediatap()]",
    ],
    [
      { plugins, origins, endpoints: { default: { origins: ["photo"] } } },
      `config: endpoints.default.origins.0: unknown origin 'photo', did you mean "photos"?`,
    ],
    [
      { plugins, origins, endpoints: { default: { origins: ["photos"], library: "x" } } },
      "config: endpoints.default.library: unknown origin 'x'; known are photos, archive",
    ],
    [{ plugins, endpoints }, "config: endpoints.default.origins.0: unknown origin 'photos'"],
    [
      { plugins, origins: { photos: { type: "NOEN" } }, endpoints },
      `config: origins.photos.type: no plugin serves 'NOEN', did you mean "NONE"?`,
    ],
    [{ plugins: [language], origins, endpoints }, "config: origins.photos.type: no plugin serves 'NONE'"],
    [
      {
        plugins,
        origins,
        endpoints: {
          a: { origins: ["photos"], hosts: ["X.example"] },
          b: { origins: ["photos"], hosts: ["x.example"] },
        },
      },
      "config: endpoints.b.hosts: 'x.example' belongs to the endpoint a already",
    ],
    [
      { plugins, origins, endpoints, languages: ["url-non"] },
      `config: endpoints.default.languages: no plugin 'url-non', did you mean "url-none"?`,
    ],
    [
      {
        plugins: [
          ...plugins,
          plugin("bad", ({ hooks }) => (hooks as never as { x: { tap(): void } }).x.tap()),
        ],
        origins,
        endpoints,
      },
      "config: plugins: bad: there is no hooks.x; known are start, trace, relay, resolve, admit, fetch, inspect, authorize, decode, transform, step, substitute, background, link, sign, respond, report, purge, storage, diagnose, stop",
    ],
  ] as [MediatapConfig, string][]) {
    it(`is refused: ${message}`, async () => {
      assert.equal(await messageOf(() => start(config)), message);
    });
  }
});
