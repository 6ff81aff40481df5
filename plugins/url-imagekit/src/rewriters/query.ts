import { lenient, readQuery, type UnsignedUrl } from "@mediatap/core/language";
import { blur, hexColour, joined, numberOf, ratio, same, type Translate, token, worded } from "./tokens.ts";

/** The parameters of a URL beside the one that is read. */
type Context = ReadonlyMap<string, string>;

const FITS = {
  clip: "c-at_max_enlarge",
  // The language's own.
  crop: "",
  fill: "cm-pad_resize",
  fillmax: "cm-pad_resize",
  max: "c-at_max",
  scale: "c-force",
  facearea: "fo-face",
};

const FORMATS = {
  jpg: "f-jpg",
  jpeg: "f-jpeg",
  jp2: "f-jpg",
  png: "f-png",
  png8: "f-png",
  png32: "f-png",
  webp: "f-webp",
  gif: "f-gif",
  avif: "f-avif",
};

/** Orientations of EXIF, and degrees. */
const ANGLES = {
  1: "rt-0",
  6: "rt-90",
  3: "rt-180",
  8: "rt-270",
  0: "rt-0",
  90: "rt-90",
  180: "rt-180",
  270: "rt-270",
};

const colour: Translate<Context> = (text) => token("bg", hexColour(text, "first") ?? text.toLowerCase());

const TRANSLATIONS: Readonly<Record<string, Translate<Context>>> = {
  w: same("w"),
  h: same("h"),
  dpr: same("dpr"),
  q: same("q"),
  ar: (value, others) => {
    const isOneSide = others.has("w") !== others.has("h");
    return isOneSide && Object.hasOwn(FITS, others.get("fit") ?? "") ? ratio(value, others) : undefined;
  },
  crop: (value) => {
    if (value === "faces") return token("fo", "auto");
    const sides = value.split(",").toSorted((one) => (one === "top" || one === "bottom" ? -1 : 1));
    return sides.includes("center") ? undefined : token("fo", sides.join("_"));
  },
  fit: worded(FITS),
  fm: worded(FORMATS),
  orient: worded(ANGLES),
  bg: colour,
  "fill-color": colour,
  sharp: (value) => token("e-sharpen", String((numberOf(value) ?? 0) * 20)),
  con: () => token("e-contrast"),
  usm: (value, others) => {
    const [strength, radius] = [numberOf(value) ?? 0, numberOf(others.get("usmrad") ?? "") ?? 2.5];
    return strength > 0 ? token("e-usm", `${radius}-${strength / 5}-1-0.05`) : undefined;
  },
  usmrad: () => undefined,
  blur: (value) => {
    const radius = (numberOf(value) ?? 0) / 20;
    return radius > 0 ? blur(radius) : undefined;
  },
  trim: worded({ auto: "t-true", color: "t-true" }),
};

/** `?w=300&fit=max` → `tr:w-300,c-at_max`, as https://imagekit.io/docs/migration/imgix-to-imagekit lists the parameters. */
export const rewriteImgix = (url: UnsignedUrl): UnsignedUrl => rewriteQuery(url, TRANSLATIONS);

/** `?imwidth=300` → `tr:w-300`, as https://imagekit.io/docs/migration/akamai-to-imagekit lists the parameters. */
export const rewriteAkamai = (url: UnsignedUrl): UnsignedUrl =>
  rewriteQuery(url, { imwidth: same("w"), imheight: same("h") });

/** Parameters of the table become a chain in the path; all others stay in the query. */
function rewriteQuery(
  { path, query }: UnsignedUrl,
  table: Readonly<Record<string, Translate<Context>>>,
): UnsignedUrl {
  const pairs = readQuery(query);
  const isOwn = (name: string) => Object.hasOwn(table, name);
  const values = new Map(
    pairs.flatMap(({ name, rawValue }) => (isOwn(name) ? [[name, lenient(rawValue)] as const] : [])),
  );
  if (values.size === 0) return { path, query };
  const chain = joined([...values].flatMap(([name, value]) => table[name]?.(value, values) || []));
  const rest = pairs.filter(({ name }) => !isOwn(name)).map(({ raw }) => raw);
  return { path: chain === "" ? path : `tr:${chain}/${path.replace(/^\/+/, "")}`, query: rest.join("&") };
}
