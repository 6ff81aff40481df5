import { type Endpoint, type Plugin, parseOptions, printable } from "@mediatap/core";
import { z } from "zod";
import { createAdmit } from "./admit.ts";
import { urlBuilder } from "./builder.ts";
import { assertParameters, type CustomParameters } from "./custom.ts";
import { createLink } from "./link.ts";
import { PARAMETER_NAMES } from "./names.ts";
import { videoPolling } from "./polling.ts";
import { createResolve, NAME } from "./resolve.ts";
import { urlRewriter } from "./rewriter.ts";
import { createSign } from "./sign.ts";
import { checkNamed } from "./stored.ts";

export { type ChainOptions, parseChain } from "./chain.ts";
export type { CustomParameter, CustomParameters } from "./custom.ts";
export type { Hints } from "./hints.ts";
export type { NamedTransformations } from "./named.ts";
export { printChain } from "./print.ts";
export { sign } from "./signature.ts";
export type { Wanted } from "./wanted.ts";

declare module "@mediatap/core" {
  interface EndpointFields {
    /**
     * Deliver videos as ImageKit does. A request for a video that is not ready waits `interval` × `tries`, but less than
     * `limits.request`; then it is redirected to the original (302) while the work continues. The first request for the playlist of
     * a stream gets 202 without a body. Needs a cache that stores the result. @default false
     */
    videoPolling?: boolean | { readonly interval?: number; readonly tries?: number };
    /**
     * Takes URLs of another product, too, as ImageKit's URL rewriters do. What has no counterpart is dropped from the URL.
     * `preserveAssetDeliveryTypes`: `image/upload` in front of the transformation is part of the file's path. @default false
     */
    urlRewriter?:
      | { readonly type: "CLOUDINARY"; readonly preserveAssetDeliveryTypes?: boolean }
      | { readonly type: "IMGIX" | "AKAMAI" };
  }
}

export interface UrlImagekitOptions {
  /** Seconds for which an expired signature still counts, because clocks differ. @default 30 */
  readonly skewSeconds?: number;
  /**
   * Quality of pictures for clients that send `Save-Data: on`, 1–100, where the URL names none. Left out: the header is not
   * looked at.
   */
  readonly saveDataQuality?: number;
  /**
   * Further parameters, by key, each for a step that a plugin carries out: `{ "e-duotone": { read, print } }`. Within a step of
   * the language their steps come after all others but layers, in the order written here.
   */
  readonly parameters?: CustomParameters;
}

const schema = z.strictObject({
  skewSeconds: z.number().min(0).max(3600).default(30),
  saveDataQuality: z.int().min(1).max(100).optional(),
  parameters: z.custom<CustomParameters>((value) => typeof value === "object", "Expected object").default({}),
});

/**
 * ImageKit's URL language: paths, transformations, signatures, restrictions and the error header, as
 * https://imagekit.io/docs/transformations describes them.
 */
export function urlImagekit(options: UrlImagekitOptions = {}): Plugin {
  const { skewSeconds, saveDataQuality, parameters } = parseOptions(schema, options, NAME);
  assertParameters(parameters, `${NAME}.parameters`);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    parameterNames: PARAMETER_NAMES,
    urlBuilder,
    endpointFields: { videoPolling, urlRewriter },
    apply({ hooks, limitsOf }) {
      let endpoints: readonly Endpoint[] = [];
      hooks.start.tap(NAME, (runtime) => {
        endpoints = runtime.endpoints;
        checkNamed(endpoints, limitsOf, parameters);
      });
      hooks.resolve.tap(NAME, createResolve({ limitsOf, saveDataQuality, parameters }));
      hooks.admit.tap(NAME, createAdmit({ skewSeconds, limitsOf }));
      hooks.link.for(NAME).tap(NAME, createLink(limitsOf, parameters));
      hooks.sign.for(NAME).tap(NAME, (...args) => createSign({ endpoints, skewSeconds })(...args));
      hooks.respond.tap(NAME, ({ headers }, { error }) => {
        // By this header clients of the language tell one error from another.
        if (error) headers["ik-error"] = `${error.code} - ${printable(error.message, 200)}`;
      });
    },
  };
}

export default urlImagekit;
