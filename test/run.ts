// All tests: finds or installs what they need, checks types and style, then runs mocha.
// As root on Debian or Ubuntu missing programs are installed; elsewhere one line says what is missing, and what needs
// it is skipped. With CI=true nothing is skipped.
// With test files as arguments it runs only these, one after the other, and nothing else.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const isCi = process.env.CI === "true";

/** Programs that tests really start, and the Debian packages that bring them. */
const PROGRAMS = [
  { name: "ffmpeg", path: "/usr/bin/ffmpeg", packages: ["ffmpeg"] },
  { name: "chromium", path: "/usr/bin/chromium", packages: ["chromium"] },
  { name: "radosgw", path: "/usr/bin/radosgw", packages: ["radosgw"] },
  { name: "nginx", path: "/usr/sbin/nginx", packages: ["nginx"] },
  { name: "redis", path: "/usr/bin/redis-server", packages: ["redis-server"] },
  { name: "kustomize", path: "/usr/bin/kustomize", packages: ["kustomize"] },
  { name: "python", path: "/usr/bin/python3", packages: ["python3"] },
  { name: "moto", path: "/usr/bin/moto_server", packages: ["python3-moto", "python3-flask-cors"] },
];

function run(command: string, args: readonly string[], cwd = root): boolean {
  return spawnSync(command, args, { cwd, stdio: "inherit", env: process.env }).status === 0;
}

/** Runs a command and prints what it wrote once it has ended: others run at the same time. */
async function runQuietly(command: string, args: readonly string[], cwd = root): Promise<boolean> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: process.env });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => output.push(part));
  const code = await new Promise((resolve) => child.on("close", resolve).on("error", resolve));
  process.stdout.write(Buffer.concat(output));
  return code === 0;
}

/** The benchmark publishes nothing, so it is no reference of the other packages. */
async function checkTypes(): Promise<boolean> {
  return (await runQuietly("npx", ["tsc", "-b"])) && (await runQuietly("npx", ["tsc", "-p", "bench"]));
}

function step(title: string, work: () => boolean): void {
  console.log(`\n— ${title}`);
  if (work()) return;
  console.error(`\nFailed: ${title}`);
  process.exit(1);
}

function installPrograms(): boolean {
  const missing = PROGRAMS.filter(({ path }) => !existsSync(path));
  if (missing.length === 0) return true;
  const packages = missing.flatMap((program) => program.packages);
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (mayInstall) {
    run("apt-get", ["update", "-qq"]);
    return run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages]) || !isCi;
  }
  console.log(
    `Skipping what needs ${missing.map(({ name }) => name).join(", ")}: install ${packages.join(" ")} to run it.`,
  );
  return !isCi;
}

/** Packages that only tests need; installed if the lock file is newer than what is there. */
async function installServices(): Promise<boolean> {
  const folder = join(root, "test/services");
  const changed = (file: string) => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed("node_modules/.package-lock.json") > changed("package-lock.json")) return true;
  return (await runQuietly("npm", ["ci", "--no-audit", "--no-fund", "--silent"], folder)) || !isCi;
}

/** The settings of `.mocharc.json` as arguments, without its list of files: mocha would add that to the files given. */
function settingsForFiles(): string[] {
  const settings = JSON.parse(readFileSync(join(root, ".mocharc.json"), "utf8")) as Record<string, unknown>;
  const used = Object.entries(settings).filter(([name]) => !["spec", "parallel"].includes(name));
  return ["--no-config", ...used.flatMap(([name, value]) => [value].flat().map((one) => `--${name}=${one}`))];
}

const args = process.argv.slice(2);
if (args.some((argument) => argument.endsWith(".ts") && existsSync(join(root, argument)))) {
  process.exit(run("npx", ["mocha", ...settingsForFiles(), ...args]) ? 0 : 1);
}

step("programs", installPrograms);
const [hasServices, hasTypes, hasStyle] = await Promise.all([
  installServices(),
  checkTypes(),
  runQuietly("npx", ["biome", "ci", "."]),
]);
step("test services", () => hasServices);
step("types", () => hasTypes);
step("style", () => hasStyle);
// One file more than there are cores: tests also wait for clocks, browsers and servers.
step("tests", () => run("npx", ["mocha", "--jobs", `${availableParallelism() + 1}`, ...args]));
