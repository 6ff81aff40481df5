import { z } from "zod";

/** A pattern of `images.localPatterns`. */
export interface LocalPattern {
  /** Glob of the path: `/assets/**`. @default all */
  readonly pathname?: string;
  /** The query, with `?`; `""`: none. Left out: any. */
  readonly search?: string;
}

/** A pattern of `images.remotePatterns`, or a URL such as `new URL("https://example.com/account/**")`. */
export interface RemotePattern {
  /** @default both */
  readonly protocol?: "http" | "https" | "http:" | "https:";
  /** Glob of the host name: `*` is one label, `**` any number. */
  readonly hostname: string;
  /** `""`: the usual one. Left out: any. */
  readonly port?: string;
  /** Glob of the path. @default all */
  readonly pathname?: string;
  /** As of a local pattern. */
  readonly search?: string;
}

/** Those of `images` in `next.config.js`, with the same names and defaults. */
export interface UrlNextOptions {
  /** Widths in pixels that URLs may request, beside `imageSizes`. @default [640, 750, 828, 1080, 1200, 1920, 2048, 3840] */
  readonly deviceSizes?: readonly number[];
  /** @default [32, 48, 64, 96, 128, 256, 384] */
  readonly imageSizes?: readonly number[];
  /** Qualities that URLs may request, 1–100. @default [75] */
  readonly qualities?: readonly number[];
  /** Paths that URLs may name. @default all without a query */
  readonly localPatterns?: readonly LocalPattern[];
  /** URLs that URLs may name. @default none */
  readonly remotePatterns?: readonly (RemotePattern | URL)[];
  /** Allow SVGs, which are delivered sanitised. @default false */
  readonly dangerouslyAllowSVG?: boolean;
  /** Path before all local paths, as `basePath` in `next.config.js`: no part of the name of a file. @default "" */
  readonly basePath?: string;
  /** Paths of the endpoint that are the optimiser's. @default ["_next/image", "_vercel/image"] */
  readonly paths?: readonly string[];
}

const sizes = z.array(z.int().min(1).max(10_000)).max(25);

const local = z.strictObject({ pathname: z.string().optional(), search: z.string().optional() });

const remote = z.strictObject({
  protocol: z.enum(["http", "https", "http:", "https:"]).optional(),
  hostname: z.string().min(1),
  port: z.string().max(5).optional(),
  pathname: z.string().optional(),
  search: z.string().optional(),
});

/** What a URL is as a pattern: its fields are always there, so an empty one allows nothing else. */
const ofUrl = z
  .instanceof(URL)
  .refine(({ protocol }) => /^https?:$/.test(protocol), "Expected a URL with http or https")
  .transform(({ protocol, hostname, port, pathname, search }) => ({
    protocol,
    hostname,
    port,
    pathname,
    search,
  }));

export const schema = z.strictObject({
  deviceSizes: sizes.default([640, 750, 828, 1080, 1200, 1920, 2048, 3840]),
  imageSizes: sizes.default([32, 48, 64, 96, 128, 256, 384]),
  qualities: z.array(z.int().min(1).max(100)).min(1).max(20).default([75]),
  localPatterns: z.array(local).max(25).optional(),
  remotePatterns: z
    .array(z.union([ofUrl, remote]))
    .max(50)
    .default([]),
  dangerouslyAllowSVG: z.boolean().default(false),
  basePath: z
    .string()
    .regex(/^(?:\/[^/?#]+)*$/, "Expected a path such as /docs, without a slash at its end")
    .default(""),
  paths: z
    .array(z.string().regex(/^[^/?#]+(?:\/[^/?#]+)*$/, "Expected a path such as _next/image"))
    .min(1)
    .default(["_next/image", "_vercel/image"]),
});

export type NextSettings = z.output<typeof schema>;
