import { cacheDisk, defineConfig, presetDevelopment, presetMediatap } from "mediatap";

const isProduction = process.env.NODE_ENV === "production";

// Every field: https://github.com/mediatap/mediatap/blob/main/core/CONFIGURATION.md
export default defineConfig({
  presets: isProduction ? [presetMediatap()] : [presetMediatap(), presetDevelopment()],
  plugins: [cacheDisk({ path: process.env.CACHE ?? "./.cache/renditions", maxBytes: 5_000_000_000 })],
  origins: {
    photos: { type: "FOLDER", path: "./photos" },
    // bucket: { type: "S3", bucket: "my-photos", region: "eu-central-1" },
  },
  endpoints: { default: { origins: ["photos"] } },
  // Signs URLs and opens the management API. Make one: openssl rand -hex 32
  ...(process.env.MEDIATAP_PRIVATE_KEY && { privateKey: process.env.MEDIATAP_PRIVATE_KEY }),
});
