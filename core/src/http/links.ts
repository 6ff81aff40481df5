import { hash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import type { Hooks } from "../hooks.ts";
import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import { bodyOf, type Rendition } from "../model/rendition.ts";
import { fillSlots } from "../stream/names.ts";

/** Bytes that a text with links may have. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/**
 * A text that leads to the parts of a stream, with the links of this request: signed, where it was. Anything else is delivered
 * as it is.
 */
export async function withLinks(hooks: Hooks, exchange: Exchange, delivered: Rendition): Promise<Rendition> {
  const { record, body } = delivered;
  const { links } = record;
  if (!links || !body?.complete) return delivered;
  const job = { ...links, transformation: { ...links.transformation, output: anyPart(links) } };
  const pattern = await hooks.link.for(job.language).promise(job, exchange);
  if (pattern === undefined)
    throw new MediaError("EUNSUPPORTED", "This URL language has no URLs for streams");
  const [before = "", after = ""] = pattern.split("*");
  const escaped = /\bxml\b/.test(record.type) ? (text: string) => text.replaceAll("&", "&amp;") : String;
  if (body.length > MAX_TEXT_BYTES) throw new MediaError("ELIMIT", "Expected a shorter playlist");
  const template = Buffer.from(body.bytes ?? (await buffer(await body.stream()))).toString("utf8");
  const text = fillSlots(template, (name) => escaped(before + name + after));
  const { etag, ...metadata } = record;
  const bytes = Buffer.from(text);
  // Other links are other bytes.
  const tag = etag && `${etag.slice(0, -1)}-${hash("sha1", pattern, "base64url").slice(0, 8)}"`;
  return {
    record: { ...metadata, ...(tag && { etag: tag }), length: bytes.length },
    body: bodyOf(bytes),
  };
}

function anyPart({ transformation }: NonNullable<Rendition["record"]["links"]>) {
  const { output } = transformation;
  return { ...output, video: { ...output.video, part: { kind: "any" as const } } };
}
