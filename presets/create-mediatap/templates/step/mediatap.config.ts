import { defineConfig, presetDevelopment, presetMediatap, urlImagekit } from "mediatap";
import { stepExample } from "./src/index.ts";

export default defineConfig({
  presets: [presetMediatap(), presetDevelopment()],
  plugins: [
    stepExample(),
    // The way into ImageKit's URLs: /tr:w-300,e-duotone/picture.png
    urlImagekit({
      parameters: {
        "e-duotone": {
          read: () => ({ op: "duotone", dark: 0x102040, light: 0xffe0b0 }),
          print: (step) => (step.op === "duotone" ? "" : undefined),
        },
      },
    }),
  ],
  origins: { files: { type: "FOLDER", path: "." } },
  endpoints: { default: { origins: ["files"] } },
});
