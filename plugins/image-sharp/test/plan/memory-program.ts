// Makes pictures one after the other in a process of its own, and writes for each what was estimated and what it took, in bytes.
// Arguments: folder, URLs.
import { readFileSync, writeFileSync } from "node:fs";
import type { Plugin } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { startServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { imageSharp } from "../../src/index.ts";

const [folder = "", ...urls] = process.argv.slice(2);
let estimate = 0;
const spy: Plugin = {
  name: "spy",
  version: "1",
  apiVersion: 1,
  apply({ hooks }) {
    hooks.report.tap("spy", (report) => {
      if (report.kind === "render" && report.plan) estimate = report.plan.memory;
    });
  },
};
const server = await startServer({
  plugins: [urlImagekit(), storageFs(), imageSharp(), spy],
  origins: { files: { type: "FOLDER", path: folder } },
  endpoints: { default: { origins: ["files"] } },
  limits: { imageWork: 120_000, request: 240_000 },
});

/** Memory of this process, now or at its peak since `forget`; proc_pid_status(5). */
function memory(name: "VmRSS" | "VmHWM"): number {
  const [, kilobytes] =
    new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}
/** The peak begins again; proc_pid_clear_refs(5). */
const forget = () => writeFileSync("/proc/self/clear_refs", "5");

// What is loaded and grows with the first pictures is not theirs.
for (const width of [20, 21, 22]) await server.ask(`/small.jpg?tr=w-${width}`);
for (const url of urls) {
  forget();
  const before = memory("VmRSS");
  const { status } = await server.ask(url);
  console.log(JSON.stringify({ url, status, estimate, taken: memory("VmHWM") - before }));
}
await server.close();
