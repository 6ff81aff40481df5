import { defineConfig, presetDevelopment, presetMediatap } from "mediatap";
import { urlExample } from "./src/index.ts";

export default defineConfig({
  presets: [presetMediatap(), presetDevelopment()],
  plugins: [urlExample()],
  origins: { files: { type: "FOLDER", path: "." } },
  endpoints: { default: { origins: ["files"], languages: ["url-example", "url-imagekit"] } },
});
