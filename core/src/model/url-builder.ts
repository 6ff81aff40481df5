/** A parameter of a URL language, for tools that help people to write URLs. */
export interface UrlParameter {
  readonly name: string;
  /** Parameters with the same one are shown together. */
  readonly group: string;
  /** What it does, for people. */
  readonly title: string;
  /** The values that it takes, for people: `integer from 1 to 100`. Empty: it is written without one. */
  readonly expected: string;
  /** All values that it takes, if they are few. */
  readonly choices?: readonly string[];
}

/** Values by the names of parameters, in their order. */
export type UrlValues = readonly (readonly [name: string, value: string])[];

/** How a URL language writes URLs, for tools that help people to do so. */
export interface UrlBuilder {
  readonly parameters: readonly UrlParameter[];
  /** The parameter for the width of an image. Left out: the language has none. */
  readonly width?: string;
  /**
   * Path and query of a URL below its endpoint, without a slash in front. `path`: of the original. Values are written as they are: a request
   * for the URL is refused if they are wrong.
   */
  build(path: string, values: UrlValues): string;
  /** Code for client libraries of the language. `endpoint`: the URL of the endpoint. */
  code?(
    endpoint: string,
    path: string,
    values: UrlValues,
  ): readonly { readonly title: string; readonly code: string }[];
}
