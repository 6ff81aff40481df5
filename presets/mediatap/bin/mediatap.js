#!/usr/bin/env node
import { spawn } from "node:child_process";
// Sets what must be set before Node starts (thread pool, allocator), then becomes the server's own process.
import { existsSync, mkdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  console.error(`mediatap needs Node 24 or newer, this is ${process.version}`);
  process.exit(1);
}

// Beside its sources and outside node_modules it runs them as they are; a published package runs its build.
const here = fileURLToPath(new URL("..", import.meta.url));
const fromSource = !here.includes("/node_modules/") && existsSync(`${here}/src/main.ts`);
const main = `${here}/${fromSource ? "src/main.ts" : "dist/main.js"}`;

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
const args = [
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
const child = spawn(process.execPath, args, { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 0)));
