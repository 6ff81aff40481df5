import type { Asset } from "./asset.ts";
import type { ErrorCode } from "./errors.ts";
import type { Transformation } from "./transformation.ts";

/** The best format a client can show, from its `Accept` header; all that of it which may enter a key. */
export type AcceptClass = "avif" | "webp" | "basic";

/** What concerns only the answer, never the bytes; so it is no part of the key. */
export interface Delivery {
  /** Offer the answer as a download of this name (`true`: the asset's own name). */
  readonly attachment?: string | true;
  /** Name for clients that save what is shown. */
  readonly filename?: string;
  /** Asset that stands in when this one is missing; gets the same transformation. */
  readonly fallback?: Asset;
  /** Further headers, for instance `Content-DPR`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How a request is answered if no cache has the rendition. Left out: with the rendition. */
  readonly ifNotStored?: IfNotStored;
  /** Request headers, beside `Accept`, that took part in finding the Transformation. */
  readonly vary?: readonly string[];
}

/** An answer to clients that request again. It needs a cache: without any, they get the rendition. */
export type IfNotStored =
  /**
   * A redirect to the original (302), if the rendition is not complete and stored after so many milliseconds (at most 90 % of
   * `limits.request`), or if it cannot be rendered. The render continues.
   */
  | { readonly kind: "redirect"; readonly afterMs: number }
  /** 202 without a body, when the rendition is stored. */
  | { readonly kind: "accept" };

/** Something in a URL that is well formed but does not do what its author probably meant, in words for people. */
export interface Note {
  /** `'width=400' in the query has no effect` */
  readonly text: string;
  /** It matters only if no file is found. @default false */
  readonly ifMissing?: boolean;
}

/** What one request asks for: plain data. Equal jobs have equal keys. */
export interface Job {
  readonly asset: Asset;
  readonly transformation: Transformation;
  /**
   * Matters, and enters the key, only if the output's format is `auto`. `jpeg`: as `basic`, and the URL's own ending is that of a
   * JPEG, so it is one, with or without transparency.
   */
  readonly accept: AcceptClass | "jpeg";
  /** Query parameters that the language does not reserve, in the order sent: cache busters. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly delivery: Delivery;
  /** Name of the language plugin that resolved it. */
  readonly language: string;
  /** The transformation as the URL writes it, for reports; no part of the key. Left out: the URL asks for none. */
  readonly written?: string;
  /** Kind of asset by its name, for rules that tell images from videos. */
  readonly media: "image" | "video" | "file";
  /** A transformation that cannot be parsed: answered only after `admit`, so that access rules come first. */
  readonly problem?: { readonly code: ErrorCode; readonly message: string };
  /** Shown by `explain`, in development, and with a 404. */
  readonly notes?: readonly Note[];
}
