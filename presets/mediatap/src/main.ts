import { runCli } from "@mediatap/core";
import { pageStart, presetMediatap } from "./index.ts";

process.exitCode = await runCli(process.argv.slice(2), {
  folder: (path) => ({
    presets: [presetMediatap()],
    plugins: [pageStart()],
    origins: { folder: { type: "FOLDER", path } },
    endpoints: { default: { origins: ["folder"] } },
  }),
  packages: [import.meta.dirname],
});
