#!/usr/bin/env node
// Sets what must be set before Node starts (thread pool, allocator), then becomes the server's own process.
const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  console.error(`mediatap needs Node 24 or newer, this is ${process.version}`);
  process.exit(1);
}

// Imports would double the time that this takes: they read all exports of a module.
const { existsSync, mkdirSync, readdirSync, statSync } = process.getBuiltinModule("node:fs");
const { availableParallelism } = process.getBuiltinModule("node:os");
const { dirname, join } = process.getBuiltinModule("node:path");

// A published package runs its build. In the repository, sources that are newer than the build run as they are.
const here = dirname(import.meta.dirname);
const fromSource =
  !/[\\/]node_modules[\\/]/.test(here) && existsSync(join(here, "src/main.ts")) && !isBuilt();
const main = join(here, fromSource ? "src/main.ts" : "dist/bundle/main.js");

const JEMALLOC = [
  "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
  "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
  "/usr/lib64/libjemalloc.so.2",
  "/usr/lib/libjemalloc.so.2",
].find((path) => existsSync(path));

// An allocator that gives memory back; without jemalloc, glibc with few arenas and low thresholds.
const allocator =
  process.env.LD_PRELOAD !== undefined || process.platform !== "linux"
    ? {}
    : JEMALLOC
      ? {
          LD_PRELOAD: JEMALLOC,
          MALLOC_CONF: "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0",
        }
      : { MALLOC_ARENA_MAX: "2", MALLOC_TRIM_THRESHOLD_: "131072", MALLOC_MMAP_THRESHOLD_: "131072" };

// Compiled code of earlier starts, which saves half of a start's CPU.
const { HOME, XDG_CACHE_HOME = HOME && `${HOME}/.cache`, NODE_DISABLE_COMPILE_CACHE } = process.env;
const compiled =
  XDG_CACHE_HOME && !NODE_DISABLE_COMPILE_CACHE && isOwn(`${XDG_CACHE_HOME}/mediatap`)
    ? { NODE_COMPILE_CACHE: `${XDG_CACHE_HOME}/mediatap/compiled` }
    : {};

/** Whether the build of the repository is as new as all its sources. */
function isBuilt() {
  const root = join(here, "../..");
  const built = statSync(join(root, ".cache/built"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const isOld = (path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) <= built;
  const isOldBelow = (folder) =>
    isOld(folder) &&
    readdirSync(folder, { withFileTypes: true }).every((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? isOldBelow(path) : isOld(path);
    });
  const packages = ["plugins", "presets"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  );
  return (
    built > 0 &&
    [join(root, "core"), ...packages].every(
      (path) =>
        isOld(join(path, "package.json")) &&
        (!existsSync(join(path, "src")) || isOldBelow(join(path, "src"))),
    )
  );
}

/** Whether nobody else can write what is run from a folder: it and the one that it is in are this user's. Makes it. */
function isOwn(folder) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return [folder, dirname(folder)]
      .map((path) => statSync(path))
      .every(({ uid, mode }) => uid === process.getuid?.() && (mode & 0o022) === 0);
  } catch {
    return false;
  }
}

const env = {
  ...compiled,
  UV_THREADPOOL_SIZE: String(availableParallelism() + 2),
  ...allocator,
  ...process.env,
};
// V8 collects young objects after 16 MB instead of 48: while many small pictures are rendered, a server takes a third less memory.
const young = /semi.space/.test(process.env.NODE_OPTIONS ?? "") ? [] : ["--max-semi-space-size=16"];
const args = [
  ...young,
  "--disable-warning=ExperimentalWarning",
  // Said of a TypeScript configuration beside a package.json without "type".
  "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
  ...(fromSource ? ["--conditions=mediatap:source"] : []),
  main,
  ...process.argv.slice(2),
];

if (typeof process.execve === "function" && process.platform !== "win32") {
  process.removeAllListeners("warning");
  process.execve(process.execPath, [process.execPath, ...args], env);
}
const { spawn } = process.getBuiltinModule("node:child_process");
const child = spawn(process.execPath, args, { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 0)));
