import { type Logger, pino } from "pino";

/** The server's log: JSON lines, or for people on a terminal. Secrets in known fields are masked. */
export function createLogger(
  options: { level?: string | undefined; pretty?: boolean | undefined } = {},
): Logger {
  return pino({
    level: options.level ?? "info",
    redact: {
      paths: [
        "*.privateKey",
        "*.secretKey",
        "*.sasToken",
        "*.password",
        "*.authorization",
        "headers.authorization",
      ],
      censor: "***",
    },
    serializers: { url: maskUrl },
  });
}

/** A URL without its signature. */
export function maskUrl(url: unknown): unknown {
  return typeof url === "string" ? url.replace(/([?&]ik-s=)[^&]*/g, "$1***").slice(0, 2000) : url;
}
