import { setFlagsFromString } from "node:v8";
import type { MediatapConfig } from "@mediatap/core";
import { runCli } from "@mediatap/core/server";

// Buffers of originals count towards the limit of the whole heap. Otherwise 64 MB of them, about ten photographs, start a collection
// of everything. In a container of 512 MB the peak is 7 % higher.
setFlagsFromString("--external-memory-accounted-in-global-limit");

/** The configuration of a server that was given nothing but one origin. */
async function serving(
  name: string,
  origin: { type: string; [field: string]: unknown },
): Promise<MediatapConfig> {
  // To load all plugins takes as long as everything else: --help and wrong usage do not wait for it.
  const { presetDevelopment, presetMediatap } = await import("./index.ts");
  return {
    presets: [presetMediatap(), process.env.NODE_ENV !== "production" && presetDevelopment()],
    origins: { [name]: origin },
    endpoints: { default: { origins: [name] } },
  };
}

/** Milliseconds after which a command that is done ends, whatever its plugins have left open. */
const LAST_WORK_MS = 1_000;

process.exitCode = await runCli(process.argv.slice(2), {
  folder: (path) => serving("folder", { type: "FOLDER", path }),
  origin: (baseUrl) => serving("web", { type: "WEB_FOLDER", baseUrl }),
  commands: { info: "describe the images and videos of a folder as JSON" },
  packages: [import.meta.dirname],
});
setTimeout(() => process.exit(), LAST_WORK_MS).unref();
