import { readFile } from "node:fs/promises";
import { MediaError } from "@mediatap/core";

/** Largest file of URLs that is read, in bytes. */
const MAX_BYTES = 512 * 1024 * 1024;

/**
 * Paths and queries of the URLs in a file, each once, in the order of the file: a list with one URL a line, a sitemap, or an access log in
 * the combined format or as JSON. Of absolute URLs only those below `base` count; its path is taken away from them.
 */
export async function readUrls(file: string, base: URL): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new MediaError("ECONFIG", `${file}: cannot be read (${error.code})`, { cause: error });
  });
  if (text.length > MAX_BYTES) throw new MediaError("ECONFIG", `${file}: larger than ${MAX_BYTES} bytes`);
  const paths = urlsIn(text).flatMap((url) => pathBelow(url, base) ?? []);
  if (paths.length === 0) throw new MediaError("ECONFIG", `${file}: no URL below ${base.href}`);
  return [...new Set(paths)];
}

/** Evenly distributed ones, in their order. */
export function sampleOf<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)] as T);
}

export function urlsIn(text: string): string[] {
  if (/^\s*</.test(text)) {
    const locations = text.matchAll(
      /<(?:\w+:)?loc>\s*(?:<!\[CDATA\[)?([^<\]]+?)(?:\]\]>)?\s*<\/(?:\w+:)?loc>/g,
    );
    return [...locations].map(([, url = ""]) => withoutEntities(url));
  }
  return text.split("\n").flatMap((line) => urlOfLine(line.trim()) ?? []);
}

/** A line of a list, of a log in the combined format, or of one of JSON objects. */
function urlOfLine(line: string): string | undefined {
  if (line === "" || line.startsWith("#")) return undefined;
  if (line.startsWith("{")) return urlOfEntry(line);
  const [, requested] = /"(?:GET|HEAD) (\S+)(?: HTTP\/[\d.]+)?"/.exec(line) ?? [];
  if (requested !== undefined) return requested;
  return /^(?:https?:\/\/|\/)\S*$/.test(line) ? line : undefined;
}

/** Fields that servers and CDNs write the URL of a request to. */
const FIELDS = ["url", "uri", "request_uri", "requestUri", "ClientRequestURI", "path"];

function urlOfEntry(line: string): string | undefined {
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    const request = entry.request as Record<string, unknown> | undefined;
    for (const candidate of [entry, ...(typeof request === "object" && request ? [request] : [])]) {
      const field = FIELDS.find((name) => typeof candidate[name] === "string" && candidate[name] !== "");
      if (field !== undefined) return candidate[field] as string;
    }
  } catch {
    // Not an entry of a log.
  }
  return undefined;
}

/** Path and query of a URL, from the root of `base`. `undefined`: it leads elsewhere. */
export function pathBelow(url: string, base: URL): string | undefined {
  const prefix = base.pathname.replace(/\/$/, "");
  const [, origin, rest = ""] = /^(https?:\/\/[^/?#]+)?([^#]*)/i.exec(url) ?? [];
  if (origin !== undefined && origin.toLowerCase() !== base.origin) return undefined;
  if (!rest.startsWith(`${prefix}/`)) return origin === undefined && rest.startsWith("/") ? rest : undefined;
  return rest.slice(prefix.length);
}

export function withoutEntities(text: string): string {
  return text.replace(/&(?:amp|#38|#x26);/gi, "&");
}
