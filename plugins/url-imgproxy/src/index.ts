import { type Plugin, parseOptions } from "@mediatap/core";
import { languagePlugin } from "@mediatap/core/language";
import { z } from "zod";
import { NAME, planOf } from "./info.ts";
import { createImgproxy } from "./language.ts";
import { createParameters } from "./parameters.ts";
import { createSources } from "./source.ts";

const LOCAL = "local:///";

/** The options of imgproxy, by their short names. */
export const PARAMETERS = createParameters(createSources({ baseUrl: LOCAL, paths: [LOCAL] }));

/** Bytes of a signature below which guessing is feasible. */
const MIN_SIGNATURE = 8;

const AES_KEY = /^(?:[0-9a-f]{32}|[0-9a-f]{48}|[0-9a-f]{64})$/i;

const schema = z.strictObject({
  signatureSize: z.int().min(MIN_SIGNATURE).max(32).default(32),
  sourceKey: z.string().regex(AES_KEY, "Expected 16, 24 or 32 bytes in hexadecimal digits").exactOptional(),
  baseUrl: z.string().min(1).default(LOCAL),
  paths: z.array(z.string().regex(/\/$/, "Expected a slash at the end")).min(1).default([LOCAL]),
  watermark: z.string().min(1).exactOptional(),
  onlyPresets: z.boolean().default(false),
  autoFormat: z.boolean().default(false),
});

export interface UrlImgproxyOptions {
  /** Bytes that are left of a signature, from 8 on (`IMGPROXY_SIGNATURE_SIZE`). @default 32 */
  readonly signatureSize?: number;
  /** Key of encrypted sources, in hexadecimal digits (`IMGPROXY_SOURCE_URL_ENCRYPTION_KEY`). Left out: they are refused. */
  readonly sourceKey?: string;
  /** What comes before a source without a scheme (`IMGPROXY_BASE_URL`). @default "local:///" */
  readonly baseUrl?: string;
  /** Beginnings of sources whose rest is a path on the endpoint: `s3://shop/`. URLs are printed with the first one. @default ["local:///"] */
  readonly paths?: readonly string[];
  /** Path of the image for watermarks, on the endpoint (`IMGPROXY_WATERMARK_PATH`). Left out: only those that a URL names. */
  readonly watermark?: string;
  /** Whether URLs name presets alone (`IMGPROXY_ONLY_PRESETS`). @default false */
  readonly onlyPresets?: boolean;
  /** Whether the format of a URL without one follows `Accept` (`IMGPROXY_AUTO_WEBP`). Else it is that of the source. @default false */
  readonly autoFormat?: boolean;
}

/** The URL language of imgproxy: `/<signature>/rs:fill:300:200/plain/<source>@webp`, as https://docs.imgproxy.net/usage/processing describes it. */
export function urlImgproxy(options: UrlImgproxyOptions = {}): Plugin {
  const { sourceKey, ...rest } = parseOptions(schema, options, NAME);
  const images = languagePlugin(
    createImgproxy({ ...rest, ...(sourceKey !== undefined && { sourceKey: Buffer.from(sourceKey, "hex") }) }),
  );
  return {
    ...images,
    apply(api) {
      images.apply(api);
      api.fingerprint(`${NAME}@${images.version}`);
      api.hooks.transform.tapPromise(NAME, planOf);
    },
  };
}

export default urlImgproxy;
