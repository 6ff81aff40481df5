// Packs what is published: `npm run release` builds all packages, packs them into a folder and shows what is in it. Nothing is published.
// `npm run release -- --publish` publishes the packages whose versions `npx changeset version` has raised, with provenance: npm can
// prove it only in a workflow of GitHub or GitLab, and refuses it elsewhere.
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const ROOT = import.meta.dirname;

interface Packed {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const { values } = parseArgs({
  options: {
    /** Folder of the packages. */
    to: { type: "string", default: join(ROOT, ".cache/release") },
    publish: { type: "boolean", default: false },
    /** As of `build.ts`. */
    unmarked: { type: "boolean", default: false },
  },
});

/** Runs a program; its standard output. Ends this one if it fails. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const options = { cwd: ROOT, env, encoding: "utf8", maxBuffer: 1 << 28 } as const;
  const { status, stdout } = spawnSync(command, args, { ...options, stdio: ["ignore", "pipe", "inherit"] });
  if (status === 0) return stdout;
  process.stdout.write(stdout);
  process.exit(1);
}

process.stdout.write(run(process.execPath, ["build.ts", ...(values.unmarked ? ["--unmarked"] : [])]));

const folders = globSync(["core", "test", "plugins/*", "presets/*"], { cwd: ROOT }).filter(
  (folder) => globSync("package.json", { cwd: join(ROOT, folder) }).length > 0,
);
const to = resolve(values.to);
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
const workspaces = folders.flatMap((folder) => ["--workspace", folder]);
const packed = JSON.parse(
  run("npm", ["pack", ...workspaces, "--json", "--pack-destination", to]),
) as Packed[];
for (const { name, version, size, files } of packed.sort((a, b) => (a.name < b.name ? -1 : 1))) {
  const paths = files.map(({ path }) => path);
  const missing = ["LICENSE", "README.md", "package.json"].filter((path) => !paths.includes(path));
  if (paths.some((path) => path.endsWith(".tsbuildinfo")))
    throw new Error(`${name}: Expected no .tsbuildinfo`);
  if (missing.length > 0) throw new Error(`${name}: Expected ${missing.join(", ")} in the package`);
  console.log(`${name}@${version}  ${files.length} files, ${(size / 1024).toFixed(0)} KiB`);
}

const waiting = globSync(".changeset/*.md", { cwd: ROOT }).filter((file) => !file.endsWith("README.md"));
const raised = new Set(
  waiting.flatMap((file) =>
    [...readFileSync(join(ROOT, file), "utf8").matchAll(/^"([^"]+)": (?:major|minor|patch)$/gm)].map(
      ([, name = ""]) => name,
    ),
  ),
);
console.log(`\n${packed.length} packages in ${to}`);
console.log(
  `${waiting.length} changes wait for "npx changeset version", which raises ${raised.size} packages`,
);

if (values.publish) {
  if (waiting.length > 0)
    throw new Error('Expected no changes that wait: run "npx changeset version" and commit');
  process.stdout.write(
    run("npx", ["changeset", "publish"], { ...process.env, NPM_CONFIG_PROVENANCE: "true" }),
  );
}
