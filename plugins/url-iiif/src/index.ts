import {
  type Endpoint,
  type Exchange,
  type Job,
  type LimitsOf,
  type Plugin,
  parseOptions,
} from "@mediatap/core";
import { languagePlugin, printQuery } from "@mediatap/core/language";
import { z } from "zod";
import { prefersLinkedData } from "./accept.ts";
import { addBitonal } from "./bitonal.ts";
import { type DocumentOptions, planOf } from "./document.ts";
import {
  addressOf,
  assetOfIdentifier,
  baseOf,
  createIiif,
  NAME,
  printIdentifier,
  queryOf,
} from "./language.ts";
import { FORMATS, type Version } from "./parameters.ts";
import { respond } from "./respond.ts";

export { PARAMETERS } from "./parameters.ts";

declare module "@mediatap/core" {
  interface EndpointFields {
    /** Address of the endpoint as clients see it, for `id` of `info.json`. Left out: by the request. */
    iiifUrl?: string;
  }
}

const schema = z.strictObject({
  version: z.union([z.literal(2), z.literal(3)]).default(3),
  tileSize: z.int().min(64).max(4096).default(512),
});

export interface UrlIiifOptions {
  /**
   * Version of the API of URLs that do not begin with `2/` or `3/`.
   * @default 3
   */
  readonly version?: 2 | 3;
  /**
   * Pixels of the side of the tiles that `info.json` describes.
   * @default 512
   */
  readonly tileSize?: number;
}

/** The IIIF Image API, versions 3.0 (https://iiif.io/api/image/3.0/) and 2.1, level 2: images, tiles and `info.json`. */
export function urlIiif(options: UrlIiifOptions = {}): Plugin {
  const { version, tileSize } = parseOptions(schema, options, NAME);
  const images = languagePlugin(createIiif(version));
  return {
    ...images,
    endpointFields: { iiifUrl: z.url({ protocol: /^https?$/ }).optional() },
    apply(api) {
      const { hooks, limitsOf } = api;
      hooks.link.for(NAME).tap(NAME, documentLink);
      images.apply(api);
      api.fingerprint(`${NAME}@${images.version}`);
      addBitonal(NAME, api);
      hooks.resolve.tap(NAME, (exchange, endpoint) =>
        documentJob(exchange, endpoint, { version, tileSize, limitsOf }),
      );
      hooks.transform.tapPromise(NAME, async (job, source, context) => {
        const { form } = job.transformation.output.info ?? {};
        if (form?.plugin !== NAME) return undefined;
        return planOf(source, form.options as unknown as DocumentOptions, context);
      });
      hooks.respond.tap(NAME, (reply, exchange) => respond(reply, exchange, version));
    },
  };
}

interface Settings {
  readonly version: Version;
  readonly tileSize: number;
  readonly limitsOf: LimitsOf;
}

/** The job of a URL of an information document, or of an image without anything after it. */
function documentJob(exchange: Exchange, endpoint: Endpoint, settings: Settings): Job | undefined {
  const { path, query } = exchange.target;
  const address = addressOf(path, path.endsWith("/info.json") ? 1 : 0, settings.version);
  if (!address) return undefined;
  const { version, prefix, identifier } = address;
  const asset = assetOfIdentifier(identifier);
  const { outputMegapixels } = settings.limitsOf(endpoint.tenant);
  const { allowedFormats, maxSide } = endpoint;
  const options: DocumentOptions = {
    version,
    base: baseOf(exchange),
    path: `${prefix}${printIdentifier(asset)}`,
    isLinked: prefersLinkedData(exchange.request.header("accept"), version),
    tileSize: settings.tileSize,
    formats: [...FORMATS].flatMap(([word, format]) =>
      allowedFormats.length === 0 || allowedFormats.includes(format) ? [word] : [],
    ),
    isUpscaling: endpoint.enlarge,
    ...(maxSide !== undefined && { maxSide }),
    maxArea: Math.floor(outputMegapixels * 1e6),
  };
  return {
    asset: { tenant: endpoint.tenant, endpoint: endpoint.name, ...asset },
    transformation: { steps: [], output: { info: { form: { plugin: NAME, options: { ...options } } } } },
    accept: exchange.accept,
    query: queryOf(query),
    language: NAME,
    media: "image",
    written: "info.json",
    delivery: { vary: ["Accept"] },
  };
}

/** The URL of a document; `undefined`: the job is one of an image. */
function documentLink({ transformation, query }: Job, { target }: Exchange): string | undefined {
  const { form } = transformation.output.info ?? {};
  if (!form) return undefined;
  const { path } = form.options as unknown as DocumentOptions;
  return `/${target.mount}${path}/info.json${query.length === 0 ? "" : `?${printQuery(query)}`}`;
}
