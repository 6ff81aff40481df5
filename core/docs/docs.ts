// Builds the documentation site and shows it: `npm run docs`; `npm run docs -- build` only builds it.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assemble } from "./assemble.ts";
import { ROOT, sectionsOf } from "./pages.ts";
import { writeParameters } from "./parameters.ts";

const HERE = import.meta.dirname;
/** The assembled Markdown, and below it the site; VitePress finds its packages above. */
const SITE = join(HERE, ".cache/site");

install();
rmSync(SITE, { recursive: true, force: true });
mkdirSync(join(SITE, ".vitepress"), { recursive: true });
cpSync(join(HERE, "theme"), join(SITE, ".vitepress/theme"), { recursive: true });
writeFileSync(join(SITE, ".vitepress/config.mjs"), 'export { default } from "../../../vitepress.ts";\n');
writeFileSync(join(SITE, "index.md"), `---\n${readFileSync(join(HERE, "home.json"), "utf8")}---\n`);
assemble(sectionsOf(), SITE);
cpSync(join(ROOT, "examples/start/screenshot.webp"), join(SITE, "public/screenshot.webp"));
cpSync(join(ROOT, "examples/start/media/logo.svg"), join(SITE, "public/logo.svg"));
await writeParameters(SITE);
vitepress("build", SITE);
if (process.argv[2] !== "build") vitepress("preview", SITE, "--port", process.env.PORT ?? "4000");

function vitepress(...args: string[]): void {
  run(process.execPath, [join(HERE, "node_modules/vitepress/bin/vitepress.js"), ...args]);
}

/** Installs VitePress if the lock file is newer than what is there. */
function install(): void {
  const changed = (file: string) => statSync(join(HERE, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed("node_modules/.package-lock.json") > changed("package-lock.json")) return;
  run("npm", ["ci", "--no-audit", "--no-fund", "--silent"]);
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: HERE, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
