import { createHmac } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Mend } from "./front.ts";

interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * Gives the bytes of ranges that a radosgw with dbstore sends wrongly: it answers with the proper header, but with the
 * first bytes of the object (or of a piece of 4 MiB), more than once where that is longer than the range. Whole objects
 * are right, so this reads one and cuts the range out.
 */
export function mendRanges(port: number, domain: string, keys: Keys): Mend {
  return (question, answer) => {
    if (question.method !== "GET" || answer.statusCode !== 206) return undefined;
    const [, start, end] = /^bytes (\d+)-(\d+)\//.exec(answer.headers["content-range"] ?? "") ?? [];
    answer.on("error", () => undefined).destroy();
    return readWhole(question, answer).then((whole) => Readable.from(cut(whole, Number(start), Number(end))));
  };

  async function readWhole(
    { headers: { host = "" }, url: path = "" }: IncomingMessage,
    part: IncomingMessage,
  ) {
    const headers = { host, "if-match": part.headers.etag, ...sign(host, path.replace(/\?.*/, "")) };
    const [whole] = await once(get({ host: "127.0.0.1", port, path, headers }), "response");
    if ((whole as IncomingMessage).statusCode !== 200) throw new Error("the object changed");
    return whole as IncomingMessage;
  }

  /** Signature version 2 (Amazon S3, "Signing and authenticating REST requests"), the short one. */
  function sign(host: string, path: string): Record<string, string> {
    const name = host.replace(/:\d+$/, "");
    const bucket = name.endsWith(`.${domain}`) ? `/${name.slice(0, -domain.length - 1)}` : "";
    const date = new Date().toUTCString();
    const text = `GET\n\n\n${date}\n${bucket}${path}`;
    const signature = createHmac("sha1", keys.secretKey).update(text).digest("base64");
    return { date, authorization: `AWS ${keys.accessKey}:${signature}` };
  }
}

async function* cut(whole: IncomingMessage, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of whole as AsyncIterable<Buffer>) {
    const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
    at += chunk.length;
    if (wanted.length > 0) yield wanted;
    if (at > end) return;
  }
}
