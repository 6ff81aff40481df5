import { createHmac, timingSafeEqual } from "node:crypto";
import {
  invalid,
  isMediaError,
  type Job,
  MediaError,
  type Plugin,
  type Step,
  type Target,
} from "@mediatap/core";

const NAME = "url-pixels";

/**
 * A path and query, with a leading slash, and its signature behind it: `?sign=` and the hexadecimal HMAC-SHA256 of all that
 * comes before, without the endpoint's prefix.
 */
export function signed(url: string, key: string): string {
  const signature = createHmac("sha256", key).update(url).digest("hex");
  return `${url}${url.includes("?") ? "&" : "?"}sign=${signature}`;
}

/** A query without the signature at its end, if it has one. */
const withoutSignature = (query: string) => query.replace(/(?:^|&)sign=[^&]*$/, "");

/** Whether one of the keys made the signature of a URL. */
function isGenuine({ path, query }: Target, keys: readonly string[]): boolean {
  const rest = withoutSignature(query);
  const received = Buffer.from(`/${path}?${query}`);
  return keys.some((key) => {
    const expected = Buffer.from(signed(`/${path}${rest === "" ? "" : `?${rest}`}`, key));
    return received.length === expected.length && timingSafeEqual(received, expected);
  });
}

/** A URL language of two words: `/w300/pixels12/photo.jpg` and `/photo.jpg`. */
export function urlPixels(): Plugin {
  return {
    name: NAME,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.resolve.tap(NAME, ({ target, accept }, endpoint): Job | undefined => {
        const parts = target.path.split("/");
        const first = parts.findIndex((part) => !/^(?:w|pixels)[^.]*$/.test(part));
        if (first < 0) return undefined;
        const job = {
          asset: {
            tenant: endpoint.tenant,
            endpoint: endpoint.name,
            kind: "path",
            path: pathOf(parts.slice(first)),
          },
          transformation: { steps: [], output: {} },
          accept,
          query: [...new URLSearchParams(withoutSignature(target.query))],
          delivery: {},
          language: NAME,
          media: "image",
        } as const;
        try {
          return { ...job, transformation: { steps: parts.slice(0, first).map(stepOf), output: {} } };
        } catch (error) {
          if (!isMediaError(error)) throw error;
          // The asset is known: access rules are heard before this is answered.
          return { ...job, problem: { code: error.code, message: error.message } };
        }
      });
      // Claims only: the core enforces restrictUnsigned and restrictUnnamed, and refuses what nobody claims.
      hooks.admit.tap(NAME, ({ endpoint, target, claims }, job) => {
        if (withoutSignature(target.query) !== target.query && endpoint.privateKeys.length > 0) {
          claims.signature = isGenuine(target, endpoint.privateKeys) ? "valid" : "wrong";
        }
        if (job.transformation.steps.length === 0) claims.transformation = "none";
      });
      hooks.link.for(NAME).tap(NAME, ({ asset, transformation, query }, { target, endpoint, claims }) => {
        const words = transformation.steps.map((step) =>
          step.op === "pixelate" ? `pixels${step.size}` : step.op === "resize" ? `w${step.width}` : "",
        );
        const path = [...words, ...asset.path.split("/").map(encodeURIComponent)].join("/");
        const search = new URLSearchParams(
          query.map(([name, value]): [string, string] => [name, value]),
        ).toString();
        const url = `/${path}${search === "" ? "" : `?${search}`}`;
        const [key] = endpoint.privateKeys;
        const link = claims.signature === "valid" && key !== undefined ? signed(url, key) : url;
        return `/${target.mount}${link.slice(1)}`;
      });
    },
  };
}

function stepOf(word: string): Step {
  const [, name, digits = ""] = /^(w|pixels)(.*)$/.exec(word) ?? [];
  const number = /^[1-9]\d{0,3}$/.test(digits) ? Number(digits) : Number.NaN;
  if (Number.isNaN(number)) throw invalid(name ?? word, "integer from 1 to 9999", digits);
  if (name === "pixels") return { op: "pixelate", size: number };
  return { op: "resize", width: number, fit: "inside", enlarge: false };
}

function pathOf(parts: readonly string[]): string {
  const names = parts.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new MediaError("EINVAL", "Expected a path in UTF-8");
    }
  });
  // Control characters, and what only a file system gives a meaning to.
  const odd = names.find((name) => ["", ".", ".."].includes(name) || /[/\p{Cc}]/u.test(name));
  if (odd !== undefined) throw invalid("the path", "a plain name", odd);
  return names.join("/");
}
