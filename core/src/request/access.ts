import ipaddr from "ipaddr.js";
import type { Asset } from "../model/asset.ts";
import { signatureRequired } from "../model/claims.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { Claims, MediaRequest } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Layer, Step } from "../model/transformation.ts";
import { isVideoPath } from "../origin/reader/metadata.ts";
import { createIpTest } from "../util/ip-ranges.ts";

/** A check of the client, prepared once per endpoint. Throws `EFORBIDDEN`. */
export type ClientCheck = (request: MediaRequest) => void;

/** The rules of an endpoint about addresses, referrers and user agents; `undefined` if it has none. */
export function clientCheck(endpoint: Endpoint): ClientCheck | undefined {
  const checks = [blockedIps(endpoint), referrers(endpoint), userAgents(endpoint)].filter(
    (c) => c !== undefined,
  );
  if (checks.length === 0) return undefined;
  return (request) => {
    for (const check of checks) check(request);
  };
}

/**
 * The rules of an endpoint about signatures and named transformations, for whatever language the URL is in. Fails closed:
 * what nobody claims is not assumed. Throws `ESIGNATURE`, `EEXPIRED`, or `EINVAL` for a transformation that is not named
 * if only named ones are allowed.
 */
export function checkClaims(endpoint: Endpoint, claims: Claims, job: Job): void {
  const { signature, transformation } = claims;
  if (signature === "expired") throw new MediaError("EEXPIRED", "The signature has expired");
  // Judged by the URL alone, so it reveals nothing about the file.
  if (signature === "wrong") throw new MediaError("ESIGNATURE", "The signature does not match this URL");
  if (signature !== "valid" && needsSignature(endpoint, job)) throw signatureRequired();
  if (endpoint.restrictUnnamed && transformation !== "none" && transformation !== "named") {
    throw new MediaError("EINVAL", "Expected named transformations only");
  }
}

/**
 * `images` covers whatever is not a video by its name, `videos` whatever is a video by its name or requested as one; an
 * asset is judged by its name because its content is only known after the download. Layers count as what they show.
 */
function needsSignature({ restrictUnsigned }: Endpoint, { asset, media, transformation }: Job): boolean {
  switch (restrictUnsigned) {
    case "none":
      return false;
    case "images":
      return !isVideo(asset) || showsLayer(transformation.steps, "image");
    case "videos":
      return isVideo(asset) || media === "video" || showsLayer(transformation.steps, "video");
    default:
      return true;
  }
}

function isVideo({ kind, path }: Asset): boolean {
  return isVideoPath(kind === "url" ? (URL.parse(path)?.pathname ?? path) : path);
}

function showsLayer(steps: readonly Step[], kind: Layer["kind"]): boolean {
  return steps.some((step) => {
    if (step.op === "when") return showsLayer(step.then, kind) || showsLayer(step.else, kind);
    if (step.op !== "overlay") return false;
    const { layer } = step;
    // A layer may be one frame of a video.
    const shows = layer.kind === "image" && isVideoPath(layer.path) ? ["image", "video"] : [layer.kind];
    return shows.includes(kind) || ("steps" in layer && showsLayer(layer.steps, kind));
  });
}

const refuse = () => new MediaError("EFORBIDDEN", "Access is restricted");

function blockedIps({ blockedIps }: Endpoint): ClientCheck | undefined {
  if (blockedIps.length === 0) return undefined;
  const isBlocked = createIpTest(blockedIps);
  return ({ ip }) => {
    if (!ipaddr.isValid(ip) || isBlocked(ip)) throw refuse();
  };
}

/** Exact host names. A request without `Referer` passes: address bars and privacy tools send none. */
function referrers({ referrer }: Endpoint): ClientCheck | undefined {
  if (!referrer || referrer.domains.length === 0) return undefined;
  const domains = new Set(referrer.domains.map((domain) => domain.toLowerCase()));
  return (request) => {
    const value = request.header("referer");
    if (value === undefined || value === "") return;
    const host = URL.parse(value)?.hostname ?? "";
    if (domains.has(host) !== (referrer.mode === "allow")) throw refuse();
  };
}

function userAgents({ blockedUserAgents }: Endpoint): ClientCheck | undefined {
  if (blockedUserAgents.length === 0) return undefined;
  const parts = blockedUserAgents.map((part) => part.toLowerCase());
  return (request) => {
    const agent = (request.header("user-agent") ?? "").toLowerCase();
    if (parts.some((part) => agent.includes(part))) throw refuse();
  };
}
