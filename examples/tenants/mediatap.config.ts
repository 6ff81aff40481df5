import { defineConfig, presetMediatap } from "mediatap";
import { countRequests } from "./count.ts";

export default defineConfig({
  presets: [presetMediatap()],
  plugins: [countRequests()],
  // Rules at the top are the defaults of all tenants; keys, origins and named transformations are each one's own.
  quality: 75,
  tenants: {
    // By host name: https://img.acme.example/tr:n-thumb/a.png
    acme: {
      hosts: ["img.acme.example"],
      origins: { media: { type: "FOLDER", path: process.env.ACME ?? "./acme" } },
      endpoints: { default: { origins: ["media"], restrictUnsigned: "all" } },
      privateKey: process.env.ACME_KEY,
      namedTransformations: { thumb: "w-150,h-150" },
    },
    // By path: https://img.example.com/beta/tr:n-thumb/a.png
    beta: {
      origins: { media: { type: "FOLDER", path: process.env.BETA ?? "./beta" } },
      endpoints: { default: { origins: ["media"] } },
      namedTransformations: { thumb: "w-80,h-80" },
      limits: { megapixels: 10 },
    },
  },
});
