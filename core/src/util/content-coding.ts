import Negotiator from "negotiator";

/** Content codings that text is sent in. */
export type Coding = "br" | "gzip";

/** The coding for a client, Brotli before gzip whatever their weights; `undefined`: none. */
export function codingOf(acceptEncoding: string | undefined): Coding | undefined {
  if (!acceptEncoding || acceptEncoding.length > 1024) return undefined;
  const negotiator = new Negotiator({ headers: { "accept-encoding": acceptEncoding } });
  const accepted = negotiator.encodings(["br", "gzip"]);
  return (["br", "gzip"] as const).find((coding) => accepted.includes(coding));
}

/** The entity tag of a representation in a coding (RFC 9110 §8.8.3.3). */
export function codedTag(etag: string, coding: Coding): string {
  return etag.replace(/"$/, `-${coding}"`);
}
