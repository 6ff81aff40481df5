import { createHmac } from "node:crypto";
import {
  defineLanguage,
  integer,
  languagePlugin,
  oneOf,
  type Parameters,
  pathGrammar,
  type Rule,
  refused,
  type SignatureScheme,
  type UnsignedUrl,
} from "@mediatap/core/language";

/** What the values of the parameters are. */
interface Values {
  width: number;
  height: number;
  format: "webp" | "avif";
  blur: number;
  sepia: never;
}

const PARAMETERS: Parameters<Values> = {
  width: { means: "width; alone, the height follows", values: "1–5000", read: integer(1, 5000) },
  height: { means: "height", values: "1–5000", also: ["h"], read: integer(1, 5000) },
  format: {
    means: "format",
    values: "`webp`, `avif`",
    read: oneOf(new Map([["webp", "webp"] as const, ["avif", "avif"] as const])),
    output: (format) => ({ format }),
    fromOutput: ({ format }) => (format === "webp" || format === "avif" ? format : undefined),
  },
  blur: {
    means: "Gaussian blur",
    values: "1–100",
    read: integer(1, 100),
    step: (sigma) => ({ op: "blur", sigma }),
    fromStep: (step) => (step.op === "blur" ? step.sigma : undefined),
  },
  sepia: refused("sepia tones"),
};

/** Parameters that stand for one step together. */
const resize: Rule<Values> = {
  uses: ["width", "height"],
  steps: ({ width, height }) =>
    width === undefined && height === undefined
      ? []
      : [{ op: "resize", ...(width && { width }), ...(height && { height }), fit: "inside", enlarge: false }],
  fromStep: (step) => {
    if (step.op !== "resize") return undefined;
    const { width, height } = step;
    return { ...(typeof width === "number" && { width }), ...(typeof height === "number" && { height }) };
  },
};

const sign = ({ path, query }: UnsignedUrl, key: string) =>
  createHmac("sha256", key).update(`${path}?${query}`).digest("hex");

/** `?sig=`, at the end: an HMAC of path and query. */
const SIGNATURE: SignatureScheme = {
  find({ path, query }) {
    const [, rest = "", signature] = /^(?:(.*)&)?sig=([^&]*)$/.exec(query) ?? [];
    return signature === undefined ? undefined : { url: { path, query: rest }, signature };
  },
  sign,
  put: ({ url: { path, query }, signature }) => ({
    path,
    query: `${query === "" ? "" : `${query}&`}sig=${signature}`,
  }),
};

const LANGUAGE = defineLanguage<Values>({
  name: "url-example",
  version: "0.1.0",
  grammar: pathGrammar({
    base: "p",
    between: /;/,
    assign: /:/,
    print: { between: ";", assign: ":" },
    none: "original",
  }),
  parameters: PARAMETERS,
  order: [resize, "blur"],
  signature: SIGNATURE,
});

/** A path and query, from the root of its endpoint, with its signature. */
export function signed(url: string, key: string): string {
  const [path = "", query = ""] = url.slice(1).split("?");
  const { query: whole } = SIGNATURE.put({ url: { path, query }, signature: sign({ path, query }, key) });
  return `/${path}?${whole}`;
}

export const urlExample = () => languagePlugin(LANGUAGE);

export default urlExample;
