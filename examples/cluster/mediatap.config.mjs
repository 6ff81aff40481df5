const {
  REDIS_URL = "redis://redis:6379",
  S3_ENDPOINT,
  S3_BUCKET = "mediatap",
  S3_ACCESS_KEY,
  S3_SECRET_KEY,
  MEDIATAP_PRIVATE_KEY,
} = process.env;

/** Where the machines keep what they have in common: any service that speaks S3. */
const bucket = (prefix) => ({
  type: "S3_COMPATIBLE",
  endpoint: S3_ENDPOINT || "https://s3.example.com",
  bucket: S3_BUCKET,
  prefix,
  s3ForcePathStyle: true,
  accessKey: S3_ACCESS_KEY,
  secretKey: S3_SECRET_KEY,
});

export default {
  presets: ["mediatap"],
  plugins: [
    // Who does which work, and what was purged.
    ["share-redis", { redis: REDIS_URL }],
    // What was made: small things in Redis.
    ["cache-keyv", { redis: REDIS_URL }],
    // All of it, for long.
    ["cache-storage", { origin: "renditions" }],
    // Originals, as they were downloaded.
    ["cache-source", { storage: "copies" }],
    "metrics",
  ],
  origins: {
    site: { type: "WEB_FOLDER", baseUrl: process.env.ORIGIN_URL || "https://www.example.com/media" },
    copies: bucket("copies"),
    renditions: bucket("made"),
  },
  endpoints: { default: { origins: ["site"] } },
  ...(MEDIATAP_PRIVATE_KEY ? { privateKey: MEDIATAP_PRIVATE_KEY } : {}),
  // nginx is one; with others before it, name them, too.
  trustedProxies: ["127.0.0.1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
};
