import { defineConfig } from "mediatap";
import { presetShop } from "./shared.ts";

export default defineConfig({
  presets: [presetShop()],
  origins: {
    production: { type: "WEB_FOLDER", baseUrl: process.env.PRODUCTION ?? "https://media.example.com" },
    staging: { type: "WEB_FOLDER", baseUrl: process.env.STAGING ?? "https://staging.example.com" },
  },
  endpoints: {
    default: { origins: ["production"] },
    // Under /staging/ and under a name of its own.
    staging: { origins: ["staging"], hosts: ["staging-img.example.com"], cacheControl: "no-cache" },
  },
});
