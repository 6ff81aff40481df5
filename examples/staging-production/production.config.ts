import { defineConfig } from "mediatap";
import { presetShop } from "./shared.ts";

export default defineConfig({
  presets: [presetShop()],
  origins: { media: { type: "WEB_FOLDER", baseUrl: process.env.PRODUCTION ?? "https://media.example.com" } },
  endpoints: { default: { origins: ["media"] } },
});
