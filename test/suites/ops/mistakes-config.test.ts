import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runInProcess, testCommand } from "@mediatap/test";

const root = join(import.meta.dirname, "../../..");
const bin = join(root, "presets/mediatap/bin/mediatap.js");

/** A configuration in TypeScript; `fields` take the place of the usual ones. */
const typescript = (fields: Readonly<Record<string, string>> = {}, imports = "presetMediatap"): string => {
  const all = {
    presets: "[presetMediatap()]",
    origins: '{ photos: { type: "FOLDER", path: "." } }',
    endpoints: '{ default: { origins: ["photos"] } }',
    ...fields,
  };
  const lines = Object.entries(all).map(([name, text]) => `  ${name}: ${text},`);
  return [`import { ${imports} } from "mediatap";`, "export default {", ...lines, "};", ""].join("\n");
};

/** What people do wrong in a configuration, and what the command prints: run as they run it. */
describe("a configuration with a mistake", () => {
  let folder: string;
  before(async () => {
    // Inside the repository, so that packages are found.
    await mkdir(join(root, ".cache"), { recursive: true });
    folder = await mkdtemp(join(root, ".cache/mistakes-"));
    await write("package.json", JSON.stringify({ name: "site", version: "1.0.0", type: "commonjs" }));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function write(name: string, text: string): Promise<void> {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    MEDIATAP_NONE: undefined,
    PORT: undefined,
    HOST: undefined,
  };
  const mediatap = (...args: string[]) => testCommand({ bin, cwd: folder, env }).run(...args);

  it("is none: the README's, in a folder that npm init has made", async () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const [, snippet = ""] = /`mediatap\.config\.ts`:\n\n```ts\n(.*?)```/s.exec(readme) ?? [];
    await write("mediatap.config.ts", snippet);
    const { code, all } = await testCommand({
      bin,
      cwd: folder,
      env: { ...env, MEDIATAP_PRIVATE_KEY: "a key of sixteen bytes" },
    }).run("config");
    assert.equal(code, 0, all);
    assert.match(all, /^# mediatap\.config\.ts\n/);
    assert.match(all, /^origins\.photos\.type: 'FOLDER'$/m);
    assert.doesNotMatch(all, /a key of/);
  });

  const rows: [what: string, text: string, message: string][] = [
    [
      "a bracket that is not closed",
      typescript({ quality: "[80)" }),
      "line 6, column 15: Expected ',', got ')'",
    ],
    [
      "an enum",
      `enum Quality { low }\n${typescript()}`,
      "line 1, column 1: TypeScript enum is not supported in strip-only mode",
    ],
    [
      "an environment variable that is not set",
      typescript({ quality: "Number(process.env.MEDIATAP_NONE.trim())" }),
      "line 6, column 45: Cannot read properties of undefined (reading 'trim')",
    ],
    [
      "an export that does not exist",
      typescript({ plugins: "[cacheRedis()]" }, "presetMediatap, cacheRedis"),
      "line 1, column 26: The requested module 'mediatap' does not provide an export named 'cacheRedis'",
    ],
    [
      "a plugin's name",
      typescript({ plugins: '[["cache-dsk", { path: "./cache" }]]' }),
      "plugins.0: cannot find the plugin 'cache-dsk', did you mean \"cache-disk\"?",
    ],
    [
      "a plugin that is not installed",
      typescript({ plugins: '["purge-nothing"]' }),
      "plugins.0: cannot find the plugin 'purge-nothing': neither it nor @mediatap/purge-nothing is installed; if you mean the latter: npm install @mediatap/purge-nothing",
    ],
    [
      "a size with a unit",
      typescript(
        { plugins: '[cacheDisk({ path: "./cache", maxBytes: "5GB" })]' },
        "presetMediatap, cacheDisk",
      ),
      "cache-disk.maxBytes: Expected number but received '5GB': sizes are in bytes, write 5000000000",
    ],
    [
      "a time with a unit",
      typescript({ limits: '{ request: "30s" }' }),
      "limits.request: Expected number but received '30s': times are in milliseconds, write 30000",
    ],
    [
      "no preset",
      typescript({ presets: "[]" }),
      "plugins: Expected at least one URL language, for instance presets: [presetMediatap()]",
    ],
    [
      "the name of a bucket",
      typescript({ origins: '{ photos: { type: "S3", bucket: "x" } }' }),
      "origins.photos.bucket: Expected the name of a bucket, without s3:// and slashes, of 3 to 255 letters, digits, dots, hyphens and underscores, but received 'x'",
    ],
    [
      "a credential from an environment variable that is not set",
      typescript({
        origins:
          '{ photos: { type: "S3_COMPATIBLE", bucket: "shop", endpoint: "https://s3.example.com", accessKey: process.env.MEDIATAP_NONE, secretKey: "s" } }',
      }),
      "origins.photos.accessKey: Expected string but it is undefined: is an environment variable not set?",
    ],
    [
      "signatures without a key",
      typescript({ restrictUnsigned: '"all"' }),
      "restrictUnsigned: Expected a privateKey for endpoints.default, too: without a key no signature can be verified",
    ],
  ];
  for (const [at, [what, text, message]] of rows.entries()) {
    it(`is refused with the place and the remedy: ${what}`, async () => {
      const file = `${at}/mediatap.config.ts`;
      await write(file, text);
      const { code, all } = await runInProcess(["config", "--config", file], folder);
      assert.deepEqual({ code, all }, { code: 1, all: `mediatap: ${file}: ${message}\n` });
    });
  }

  it("is served with warnings of what this machine can tell, and no network in the way", async () => {
    await write("a-file", "");
    await write(
      "local.config.ts",
      typescript(
        {
          plugins: '[cacheDisk({ path: "/proc/mediatap" }), videoFfmpeg({ ffmpeg: "/nowhere/ffmpeg" })]',
          origins: `{
            missing: { type: "FOLDER", path: "./nowhere" },
            file: { type: "FOLDER", path: "./a-file" },
            away: { type: "WEB_FOLDER", baseUrl: "http://127.0.0.1:1" },
          }`,
          endpoints: '{ default: { origins: ["missing", "file", "away"] } }',
          privateKey: "process.env.MEDIATAP_NONE",
        },
        "presetMediatap, cacheDisk, videoFfmpeg",
      ),
    );
    const alone = { ...env, PATH: "/nowhere", FFMPEG_BIN: "/nowhere/ffmpeg" };
    const command = testCommand({ bin, cwd: folder, env: alone });
    const warnings = [
      /"privateKey: undefined; is an environment variable not set\?"/,
      /"cache-disk: \/proc\/mediatap cannot be written to \(ENOENT\); create the folder,/,
      /"ffmpeg: \/nowhere\/ffmpeg does not run: no videos, and no stills of them; install ffmpeg/,
      /"origin missing: FOLDER: there is no folder \S+\/nowhere; make it, mount it, or correct the path"/,
      /"origin file: FOLDER: \S+\/a-file is a file; name the folder that it lies in"/,
    ];
    const all = await command.served("local.config.ts", async (_, output) => {
      for (const warning of warnings) await output.has(warning);
    });
    assert.doesNotMatch(all, /origin away/);
    const doctor = await command.run("doctor", "--config", "local.config.ts");
    assert.equal(doctor.code, 1);
    for (const line of [
      /^poor +privateKey +undefined; is an environment/m,
      /^BAD +cache-disk +\/proc\/mediatap cannot be written to \(ENOENT\)$/m,
      /^BAD +ffmpeg /m,
      /^BAD +origin missing /m,
      /^BAD +origin file /m,
      /^BAD +origin away .*ECONNREFUSED/m,
    ]) {
      assert.match(doctor.all, line);
    }
  });

  it("is served with a warning where Redis is away, with its address and the reason", async () => {
    const away = "redis://:hunter2@127.0.0.1:1";
    const plugins = `[cacheKeyv({ redis: "${away}" }), shareRedis({ redis: "${away}" })]`;
    await write("redis.config.ts", typescript({ plugins }, "presetMediatap, cacheKeyv, shareRedis"));
    const command = testCommand({ bin, cwd: folder, env });
    const all = await command.served("redis.config.ts", async (_, output) => {
      for (const rest of ["the cache is not used", "other machines are not heard"]) {
        await output.has(
          new RegExp(
            `Redis at redis://\\*+@127.0.0.1:1 is not connected: connect ECONNREFUSED 127.0.0.1:1; ${rest}`,
          ),
        );
      }
    });
    assert.doesNotMatch(all, /hunter2/);
    const doctor = await command.run("doctor", "--config", "redis.config.ts");
    assert.equal(doctor.code, 1);
    for (const name of ["cache-keyv", "share-redis"]) {
      assert.match(
        doctor.all,
        new RegExp(`^BAD +${name} +Redis at .* is not connected: connect ECONNREFUSED`, "m"),
      );
    }
  });

  it("does not keep mediatap doctor waiting, whatever its plugins wait for", async () => {
    const plugin = `
      const never = () => new Promise(() => setInterval(() => {}, 1000));
      const slow = {
        name: "slow", version: "1.0.0", apiVersion: 1,
        apply({ hooks }) {
          hooks.storage.for("SLOW").tap("slow", () => ({ open: never, check: never }));
          hooks.diagnose.tapPromise("slow", never);
        },
      };`;
    const config = typescript({ plugins: "[slow]", origins: '{ photos: { type: "SLOW" } }' });
    await write("slow.config.ts", `${plugin}\n${config}`);
    const { code, all } = await mediatap("doctor", "--config", "slow.config.ts");
    assert.equal(code, 1);
    assert.match(all, /^BAD +slow +no response within 5 s$/m);
    assert.match(all, /^BAD +origin photos +(?:SLOW: )?no response within 5/m);
    assert.match(all, /^ok +endpoint default /m);
  });

  it("names the plugin whose start hangs in mediatap doctor, beside all other findings", async () => {
    const plugin = `
      const slow = {
        name: "slow", version: "1.0.0", apiVersion: 1,
        apply: ({ hooks }) => hooks.start.tapPromise("slow", () => new Promise(() => setInterval(() => {}, 1000))),
      };`;
    await write("start.config.ts", `${plugin}\n${typescript({ plugins: "[slow]" })}`);
    const { code, all } = await mediatap("doctor", "--config", "start.config.ts");
    assert.equal(code, 1);
    assert.match(all, /^BAD +start of slow +no response within 5 s$/m);
    assert.match(all, /^ok +endpoint default /m);
  });
});
