import type { Asset, Exchange, Job } from "@mediatap/core";
import { mediaOf } from "./media.ts";
import { printChain } from "./print.ts";
import { readSignature, sign } from "./signature.ts";

/**
 * Path and query of a job, from the root of the asking request's host. Signed with the same expiry if that request
 * was signed.
 */
export function linkTo(job: Job, exchange: Exchange): string {
  const { endpoint, target, claims } = exchange;
  const path = printPath(job);
  const query = printQuery(job);
  const url = query === "" ? path : `${path}?${query}`;
  const [key] = endpoint.privateKeys;
  const signed = claims.signed && key !== undefined ? signature(url, key, target.query) : [];
  const whole = [query, ...signed].filter(Boolean).join("&");
  return `/${target.mount}${path}${whole === "" ? "" : `?${whole}`}`;
}

function signature(url: string, key: string, asking: string): string[] {
  const time = readSignature(asking);
  const expires = /(?:^|&)ik-t=/.test(asking) ? time?.expiry : undefined;
  const name = `ik-s=${sign(url, key, expires)}`;
  return expires === undefined ? [name] : [`ik-t=${expires}`, name];
}

function printPath({ asset, media }: Job): string {
  const path = printAsset(asset);
  const named = mediaOf({ kind: asset.kind, path: asset.path, suffixes: [] });
  return media === "video" && named !== "video" ? `${path}/ik-video.mp4` : path;
}

function printAsset({ kind, path }: Asset): string {
  if (kind === "url") return encodeURIComponent(path);
  // An encoded hyphen keeps a name that begins like a reserved part from being one.
  return path
    .split("/")
    .map((name) => encodeURIComponent(name).replace(/^ik-/, "ik%2D"))
    .join("/");
}

function printQuery({ query, transformation, delivery }: Job): string {
  const chain = printChain(transformation);
  const fallback = delivery.fallback && `di-${delivery.fallback.path.replaceAll("/", "@@")}`;
  const tr = [chain, fallback].filter(Boolean).join(",");
  const { attachment } = delivery;
  return [
    ...query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
    // Commas and colons stand in a query as they are.
    tr && `tr=${encodeURIComponent(tr).replace(/%2C/g, ",").replace(/%3A/g, ":")}`,
    attachment && "ik-attachment=true",
    typeof attachment === "string" && `ik-attachment-filename=${encodeURIComponent(attachment)}`,
  ]
    .filter(Boolean)
    .join("&");
}
