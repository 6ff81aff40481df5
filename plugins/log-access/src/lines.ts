import type { Entry } from "./entry.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** One line in the Common Log Format (Apache httpd, "Log Files"): `%h %l %u %t "%r" %>s %b`. */
export function commonLine(entry: Entry, now: Date): string {
  const { ip = "-", method, url, status, bytes } = entry;
  const request = `${escaped(method)} ${escaped(url)} HTTP/1.1`;
  return `${ip} - - [${stamp(now)}] "${request}" ${status} ${bytes === 0 ? "-" : bytes}`;
}

/** The same with referrer and user agent: the Combined Log Format. */
export function combinedLine(entry: Entry, now: Date): string {
  const { referrer = "-", agent = "-" } = entry;
  return `${commonLine(entry, now)} "${escaped(referrer)}" "${escaped(agent)}"`;
}

/** `10/Oct/2000:13:55:36 +0000`. */
function stamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(now.getUTCDate())}/${MONTHS[now.getUTCMonth()]}/${now.getUTCFullYear()}`;
  return `${day}:${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())} +0000`;
}

/** Nothing that a client writes ends its field or its line. */
function escaped(text: string): string {
  return text.replace(
    /[^\x20-\x7e]|["\\]/gu,
    (char) => `\\x${(char.codePointAt(0) as number).toString(16).padStart(2, "0")}`,
  );
}
