import type { Exchange, Reply } from "@mediatap/core";
import { canonicalOf } from "./canonical.ts";
import { contextOf, type DocumentOptions, idOf, profileOf } from "./document.ts";
import { addressOf, NAME } from "./language.ts";
import type { Version } from "./parameters.ts";

/** What the API has in headers and status codes; `usual` is the version of URLs that name none. */
export function respond(reply: Reply, exchange: Exchange, usual: Version): void {
  const { job, error, target } = exchange;
  if (job?.language !== NAME) return;
  if (error) {
    if (error.code === "EUNSUPPORTED") reply.status = 501;
    return;
  }
  const { form } = job.transformation.output.info ?? {};
  const { headers } = reply;
  if (form) {
    const options = form.options as unknown as DocumentOptions;
    if (target.path.endsWith("/info.json")) headers.link = linksOf(options);
    else redirect(reply, `${idOf(options)}/info.json`);
    return;
  }
  const version = addressOf(target.path, 4, usual)?.version ?? usual;
  const canonical = canonicalOf(exchange, usual);
  const links = [
    // An origin that has an address of its own for the original goes first.
    headers.link ?? (canonical && `<${canonical}>; rel="canonical"`),
    `<${profileOf(version)}>; rel="profile"`,
  ];
  headers.link = links.filter(Boolean).join(", ");
}

/** The address of an image leads to its document, which clients are to find under its own address alone. */
function redirect(reply: Reply, location: string): void {
  reply.status = 303;
  Object.assign(reply.headers, { location, etag: undefined, "last-modified": undefined });
}

function linksOf({ version, isLinked }: DocumentOptions): string {
  const profile = `<${profileOf(version)}>; rel="profile"`;
  // JSON becomes JSON-LD by its context (https://www.w3.org/TR/json-ld11/#interpreting-json-as-json-ld).
  const context = `<${contextOf(version)}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"`;
  return isLinked ? profile : `${context}, ${profile}`;
}
