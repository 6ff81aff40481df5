import { defineConfig, presetDevelopment, presetMediatap } from "mediatap";
import { cacheExample } from "./src/index.ts";

export default defineConfig({
  presets: [presetMediatap(), presetDevelopment()],
  plugins: [cacheExample()],
  origins: { files: { type: "FOLDER", path: "." } },
  endpoints: { default: { origins: ["files"] } },
});
