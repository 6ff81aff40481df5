const { CACHE_DIR, METRICS_TOKEN, MEDIATAP_PRIVATE_KEY, ORIGIN_URL, REDIS_URL } = process.env;

export default {
  presets: ["mediatap"],
  plugins: [
    ["cache-memory", { maxBytes: 256 * 1024 ** 2 }],
    ["cache-disk", { path: CACHE_DIR || "/cache", maxBytes: 8 * 1024 ** 3 }],
    REDIS_URL && ["cache-keyv", { redis: REDIS_URL }],
    REDIS_URL && ["share-redis", { redis: REDIS_URL }],
    "log-access",
    // The metrics name origins: only for those who know the token.
    METRICS_TOKEN && ["metrics", { token: METRICS_TOKEN }],
  ],
  origins: {
    site: { type: "WEB_FOLDER", baseUrl: ORIGIN_URL || "https://www.example.com/media" },
  },
  endpoints: { default: { origins: ["site"] } },
  ...(MEDIATAP_PRIVATE_KEY ? { privateKey: MEDIATAP_PRIVATE_KEY } : {}),
  server: { watch: true },
};
