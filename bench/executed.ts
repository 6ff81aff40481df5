/**
 * Counts the files and functions of this repository that the usual server executes for one request:
 * `node --conditions=mediatap:source bench/executed.ts [PATH] [--functions]`. Without a path: a local JPEG that no cache has. Another
 * picture is rendered before with the same transformation, so what runs once per process or transformation is not counted. V8 counts, from
 * before the request until a second after the response.
 */
import { Session } from "node:inspector/promises";
import { dirname, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createServer, loadConfig } from "@mediatap/core/server";
import { presetMediatap } from "mediatap";

const ROOT = dirname(import.meta.dirname);
const IDLE_MS = 1_000;

const { values, positionals } = parseArgs({
  options: { functions: { type: "boolean" } },
  allowPositionals: true,
});
const path = positionals[0] ?? "/tr:w-300/fig.jpg";

const config = await loadConfig(
  {
    presets: [presetMediatap()],
    origins: { samples: { type: "FOLDER", path: "examples/start/media" } },
    endpoints: { default: { origins: ["samples"] } },
    log: { level: "silent" },
  },
  { source: "bench/executed.ts", base: ROOT },
);
const server = await createServer({ config });
const { port } = await server.listen(0, "127.0.0.1");

async function request(url: string) {
  const response = await fetch(`http://127.0.0.1:${port}${url}`, { headers: { connection: "close" } });
  await response.arrayBuffer();
  await sleep(IDLE_MS);
  return response;
}
await request("/tr:w-300/dogs.jpg");

const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
const { status, headers } = await request(path);
const { result } = await session.post("Profiler.takePreciseCoverage");
session.disconnect();

const executed = new Map<string, string[]>();
for (const { url, functions } of result) {
  if (!url.startsWith("file:") || url === import.meta.url || url.includes("/node_modules/")) continue;
  const file = relative(ROOT, fileURLToPath(url));
  if (file.startsWith("..")) continue;
  const names = functions
    .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
    .map(({ functionName, ranges }) => `${functionName || "(anonymous)"} ×${ranges[0]?.count}`);
  if (names.length > 0) executed.set(file, names);
}

/** The package; of the core, its folder. */
const groupOf = (file: string) => /^(core\/src\/[^/.]+|[^/]+\/[^/]+)/.exec(file)?.[0] ?? file;
const rows = [...Map.groupBy(executed, ([file]) => groupOf(file))].map(([group, files]) => ({
  group,
  files: files.length,
  functions: files.reduce((sum, [, names]) => sum + names.length, 0),
}));
const sum = (of: "files" | "functions") => rows.reduce((total, row) => total + row[of], 0);
console.log(`${path}: ${status}, ${headers.get("content-type")}`);
console.table([
  ...rows.sort((a, b) => b.functions - a.functions),
  { group: "all", files: sum("files"), functions: sum("functions") },
]);
if (values.functions) {
  for (const [file, names] of [...executed].sort()) console.log(`${file}\n  ${names.join("\n  ")}`);
}
await server.close();
