import { defineConfig, presetDevelopment, presetMediatap } from "mediatap";
import { decodeExample } from "./src/index.ts";

export default defineConfig({
  presets: [presetMediatap(), presetDevelopment()],
  plugins: [decodeExample()],
  origins: { files: { type: "FOLDER", path: "." } },
  endpoints: { default: { origins: ["files"] } },
});
