import { createHmac } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage, type RequestListener } from "node:http";
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

  async function readWhole(question: IncomingMessage, part: IncomingMessage) {
    const {
      headers: { host = "" },
      url: path = "",
    } = question;
    const headers = { host, "if-match": part.headers.etag, ...sign(nameOf(question, domain)) };
    const [whole] = await once(get({ host: "127.0.0.1", port, path, headers }), "response");
    if ((whole as IncomingMessage).statusCode !== 200) throw new Error("the object changed");
    return whole as IncomingMessage;
  }

  /** Signature version 2 (Amazon S3, "Signing and authenticating REST requests"), the short one. */
  function sign(name: string): Record<string, string> {
    const date = new Date().toUTCString();
    const text = `GET\n\n\n${date}\n${name}`;
    const signature = createHmac("sha1", keys.secretKey).update(text).digest("base64");
    return { date, authorization: `AWS ${keys.accessKey}:${signature}` };
  }
}

/**
 * Lets those who write an object wait for those who read it, and the other way round: dbstore lets both go on at once,
 * and answers with bytes of two versions.
 */
export function inTurns(domain: string, listener: RequestListener): RequestListener {
  const current = new Map<string, { readonly writes: boolean; readonly done: Promise<void> }[]>();
  return (question, response) => {
    const name = nameOf(question, domain);
    const earlier = current.get(name) ?? [];
    const writes = question.method !== "GET" && question.method !== "HEAD";
    const done = new Promise<void>((resolve) => response.once("close", resolve));
    const turn = { writes, done };
    current.set(name, [...earlier, turn]);
    void done.then(() => {
      const left = (current.get(name) ?? []).filter((other) => other !== turn);
      if (left.length > 0) current.set(name, left);
      else current.delete(name);
    });
    const ahead = earlier.filter((other) => writes || other.writes).map((other) => other.done);
    void Promise.all(ahead).then(() => {
      if (!response.destroyed) listener(question, response);
    });
  };
}

/** Bucket and key of a request in path style or to a virtual host, as they are written in it. */
function nameOf({ headers: { host = "" }, url = "" }: IncomingMessage, domain: string): string {
  const name = host.replace(/:\d+$/, "");
  const bucket = name.endsWith(`.${domain}`) ? `/${name.slice(0, -domain.length - 1)}` : "";
  return bucket + url.replace(/\?.*/, "");
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
