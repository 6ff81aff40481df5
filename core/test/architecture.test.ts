import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** The parts of the core, from the bottom to the top. A part imports its own files and those of lower parts. */
const PARTS: readonly (readonly string[])[] = [
  ["model"],
  ["util"],
  ["hooks.ts"],
  ["traced.ts"],
  ["plugin"],
  ["config"],
  ["cache", "decode", "language", "state", "stream"],
  ["origin"],
  ["work"],
  ["request"],
  ["http"],
  ["server"],
  ["cli"],
  ["index.ts", "exports"],
];

/** Names of products, services and libraries of codecs, of the parameters of their URLs and of their headers and files. */
const NAMES = new RegExp(
  [
    "image-?kit|cloudinary|imgix|imgproxy|thumbor|imagor|akeneo|cloudflare|cloudfront|fastly|akamai",
    "\\baws\\b|amazon|\\bs3\\b|\\bamz\\b|azure|\\bgoog|\\bgcs\\b|x-ms-",
    "vips|\\bsharp\\b|ffmpeg|ffprobe|libheif|libx26|\\bx26[45]\\b|mozjpeg|resvg|pdfium",
    "\\bik-|\\btr[:=]|x-ratelimit|v1/files|m3u8|\\btiff\\b",
    "[\"'`](?:so|eo|du|[icb](?:w|h|ar|du|dn))[\"'`]",
  ].join("|"),
  "gi",
);

/** Where the core contains such a name nevertheless, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  "cli/cli.ts: tr:": "an example of the help: a URL of the usual language",
  "config/rules.ts: imagekit": "examples of the reference name plugins that exist",
  "config/schema.ts: imagekit": "examples of the reference name plugins that exist",
  "config/schema.ts: tr:": "what a URL of the usual language contains",
  "decode/program.ts: tiff": "sub-path for decoders",
  "decode/thread.ts: tiff": "sub-path for decoders",
  "decode/tiff.ts: tiff": "sub-path for decoders",
  "exports/decode.ts: tiff": "sub-path for decoders",
  "model/render-context.ts: tiff": "in a list of formats",
  "stream/names.ts: m3u8": "sub-path for languages and engines of streams",
  // Secrets are masked whatever plugins are installed, and before any is.
  "util/redact.ts: amz": "a parameter that gives access",
  "util/redact.ts: goog": "a parameter that gives access",
  "util/redact.ts: ik-": "a parameter that gives access",
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(folder: string): Import[] {
  const files = globSync("**/*.ts", { cwd: folder });
  return files.flatMap((from) => {
    const source = readFileSync(join(folder, from), "utf8");
    const found = source.matchAll(/^(?:import|export)\s[^;"]*?from\s+"(\.[^"]+)"/gm);
    return [...found].map(([, to = ""]) => ({
      from,
      to: relative(folder, resolve(folder, dirname(from), to)),
    }));
  });
}

const partOf = (file: string) => file.split("/")[0] ?? "";
const levelOf = (file: string) => PARTS.findIndex((parts) => parts.includes(partOf(file)));

/** Files that import each other in a circle; imports of types count. */
function circlesIn(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return circles;
}

describe("the architecture", () => {
  const imports = importsOf(join(ROOT, "core/src"));

  it("has a place for every file of the core", () => {
    const files = globSync("**/*.ts", { cwd: join(ROOT, "core/src") });
    assert.deepEqual(
      files.filter((file) => levelOf(file) < 0),
      [],
    );
  });

  it("has imports in the core that go one way", () => {
    const wrong = imports.filter(
      ({ from, to }) => partOf(from) !== partOf(to) && levelOf(to) >= levelOf(from),
    );
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} → ${to}`),
      [],
    );
  });

  for (const folder of ["core", ...globSync("{plugins,presets,clients}/*", { cwd: ROOT })]) {
    it(`has no circles in ${folder}`, () => {
      assert.deepEqual(circlesIn(importsOf(join(ROOT, folder, "src"))), []);
    });
  }

  it("has a core that names no URL language, codec or vendor", () => {
    const files = globSync("**/*.ts", { cwd: join(ROOT, "core/src") });
    const found = files.flatMap((file) => {
      const lines = readFileSync(join(ROOT, "core/src", file), "utf8").split("\n");
      const words = lines.flatMap((line) => [...line.matchAll(NAMES)].map(([word]) => word.toLowerCase()));
      return [...new Set(words)].map((word) => `${file}: ${word}`);
    });
    assert.deepEqual(found.sort(), Object.keys(ALLOWED).sort());
  });

  it("has plugins that know the core, and no other plugin", () => {
    const wrong = globSync("plugins/*/src/**/*.ts", { cwd: ROOT }).flatMap((file) => {
      const source = readFileSync(join(ROOT, file), "utf8");
      const own = file.split("/")[1];
      return (
        [...source.matchAll(/from "@mediatap\/([\w-]+)/g)]
          .map(([, name]) => name)
          // Font files, no plugin.
          .filter((name) => name !== "core" && name !== own && name !== "fonts-standard")
          .map((name) => `${file}: ${name}`)
      );
    });
    assert.deepEqual(wrong, []);
  });
});
