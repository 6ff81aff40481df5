import { readFileSync } from "node:fs";
import { defineConfig, presetDevelopment, presetMediatap } from "mediatap";
import { storageExample } from "./src/index.ts";

const bytes = readFileSync(new URL("./picture.png", import.meta.url));

export default defineConfig({
  presets: [presetMediatap(), presetDevelopment()],
  plugins: [storageExample(new Map([["picture.png", { bytes, etag: '"1"' }]]))],
  origins: { files: { type: "EXAMPLE" } },
  endpoints: { default: { origins: ["files"] } },
});
