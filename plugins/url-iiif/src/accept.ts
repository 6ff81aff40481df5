import Negotiator from "negotiator";
import type { Version } from "./parameters.ts";

/** Without an `Accept` header, version 3 has JSON-LD and version 2 has JSON. */
const TYPES = {
  2: ["application/json", "application/ld+json"],
  3: ["application/ld+json", "application/json"],
} as const;

/** Parameters of media types, such as `profile`: all but the weight. */
const PARAMETER = /;\s*(?!q=)[\w-]+=(?:"[^"]*"|[^",;\s]*)/gi;

/** Characters of an `Accept` header that are looked at. */
const MAX_LENGTH = 1024;

/** Whether a client prefers the media type of JSON-LD for an information document. */
export function prefersLinkedData(accept: string | undefined, version: Version): boolean {
  const text = accept === undefined || accept.length > MAX_LENGTH ? "*/*" : accept.replace(PARAMETER, "");
  return (
    new Negotiator({ headers: { accept: text } }).mediaType([...TYPES[version]]) === "application/ld+json"
  );
}
