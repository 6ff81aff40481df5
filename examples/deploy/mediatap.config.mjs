const redis = process.env.REDIS_URL;

export default {
  presets: ["mediatap"],
  plugins: [
    ["cache-memory", { maxBytes: 256 * 1024 ** 2 }],
    ["cache-disk", { path: process.env.CACHE_DIR || "/cache", maxBytes: 8 * 1024 ** 3 }],
    redis && ["cache-keyv", { redis }],
    redis && ["share-redis", { redis }],
  ],
  origins: {
    site: { type: "WEB_FOLDER", baseUrl: process.env.ORIGIN_URL || "https://www.example.com/media" },
  },
  endpoints: { default: { origins: ["site"] } },
  ...(process.env.MEDIATAP_PRIVATE_KEY ? { privateKey: process.env.MEDIATAP_PRIVATE_KEY } : {}),
  server: { watch: true },
};
