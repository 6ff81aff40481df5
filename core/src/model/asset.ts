/** A reference to one original. */
export interface Asset {
  /** The account it belongs to; `""` where the server has one account only. */
  readonly tenant: string;
  /** Name of the endpoint through which it was asked for; its origins are tried in their order. */
  readonly endpoint: string;
  /** `path`: looked up in the endpoint's origins. `url`: an absolute address, for a web proxy origin. */
  readonly kind: "path" | "url";
  /** Decoded path without a leading slash, each segment checked; or the absolute URL. */
  readonly path: string;
  /** Host name that the client asked; only where an origin forwards it, since then it decides what is found. */
  readonly host?: string;
}
