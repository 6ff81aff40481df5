import { lenient, type UnsignedUrl } from "@mediatap/core/language";
import { mediaOf } from "../media.ts";
import {
  blur,
  hexColour,
  joined,
  numberOf,
  ratio,
  same,
  type Tokens,
  type Translate,
  token,
  worded,
} from "./tokens.ts";

/** What the values of a URL are for. */
interface Context {
  readonly isVideo: boolean;
}

/** `w_300` */
interface Item {
  readonly key: string;
  readonly value: string;
}

/** Keys of Cloudinary: a segment of the path with one of them is a transformation. */
const KEYS: ReadonlySet<string> = new Set(
  `a ac af ar b bo br c co cs d dl dn dpr du e eo f fl fn fps g h if ki l o p pg q r so sp t u vc vs w x y z`.split(
    " ",
  ),
);

/** Asset and delivery type: `image/upload`. Social networks are no origins of this server. */
const HEAD = /^(?:image|video|raw)\/(?:upload|private|authenticated|fetch)\//;

const GRAVITIES = {
  north: "top",
  south: "bottom",
  east: "right",
  west: "left",
  north_west: "top_left",
  north_east: "top_right",
  south_east: "bottom_right",
  south_west: "bottom_left",
  center: "center",
} as const;

const CROPS = {
  crop: "cm-extract",
  fill: "c-maintain_ratio",
  fit: "c-at_max",
  pad: "cm-pad_resize",
  scale: "c-force",
};

const FORMATS = ["auto", "jpg", "jpeg", "png", "webp", "gif", "avif"];

const QUALITIES: Readonly<Record<string, { readonly image: number; readonly video: number }>> = {
  auto: { image: 70, video: 50 },
  "auto:low": { image: 50, video: 40 },
  "auto:eco": { image: 60, video: 45 },
  "auto:good": { image: 70, video: 50 },
  "auto:best": { image: 86, video: 60 },
};

const words = (key: string, values: Readonly<Record<string, string>>) =>
  worded(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `${key}-${value}`])));

/** `red`, `rgb:B4F9` */
const colourOf = (text: string): string | undefined =>
  text.startsWith("rgb:")
    ? hexColour(text.slice(4), "last")
    : /^[a-z]+$/i.test(text)
      ? text.toLowerCase()
      : undefined;

/** Value of an effect divided by 100, and what it is without one. */
const hundredth = (value: string | undefined, usual: number): number | undefined => {
  const number = value === undefined ? usual : numberOf(value);
  return number === undefined || number <= 0 ? undefined : number / 100;
};

const EFFECTS: Readonly<Record<string, (value: string | undefined) => string | undefined>> = {
  blur: (value) => {
    const radius = hundredth(value, 100);
    return radius === undefined ? undefined : blur(radius);
  },
  grayscale: () => token("e-grayscale"),
  contrast: () => token("e-contrast"),
  sharpen: (value) => token("e-sharpen", value === undefined ? "" : String(hundredth(value, 100))),
  unsharp_mask: (value) => token("e-usm", `0-${hundredth(value, 100)}-1-0.05`),
  trim: (value) => token("t", value ?? "true"),
};

/** Seconds; the language has two decimals. */
const seconds =
  (key: "so" | "eo" | "du"): Translate<Context> =>
  (value) =>
    token(key, String(Math.round((numberOf(value) ?? Number.NaN) * 100) / 100));

/** `red`, `rgb:B4F9`, `blurred:100:10` */
function background(text: string): string | undefined {
  const [kind, intensity, brightness = "0", ...more] = text.split(":");
  if (kind !== "blurred") {
    const colour = colourOf(text);
    return colour === undefined ? undefined : token("bg", colour);
  }
  if (intensity === undefined) return token("bg", "blurred");
  const [radius, light] = [numberOf(intensity), numberOf(brightness)];
  if (radius === undefined || light === undefined || more.length > 0) return undefined;
  const shift = Math.trunc(light * 2.55);
  return token("bg", `blurred_${radius / 20}_${shift < 0 ? `N${-shift}` : shift}`);
}

const TRANSLATIONS: Readonly<Record<string, Translate<Context>>> = {
  w: same("w"),
  h: same("h"),
  x: same("x"),
  y: same("y"),
  z: same("z"),
  dpr: same("dpr"),
  ar: ratio,
  g: words("fo", { ...GRAVITIES, auto: "auto", custom: "custom", face: "face" }),
  c: worded(CROPS),
  f: (value) => (FORMATS.includes(value) ? token("f", value) : undefined),
  q: (value, { isVideo }) => {
    const quality = Object.hasOwn(QUALITIES, value) ? QUALITIES[value] : undefined;
    return token("q", quality ? String(isVideo ? quality.video : quality.image) : value);
  },
  a: (value) => token("rt", value.replace(/^-/, "N")),
  r: (value) => token("r", value.split(":")[0]),
  e: (value) => {
    const [name = "", first] = value.split(":");
    return Object.hasOwn(EFFECTS, name) ? EFFECTS[name]?.(first) : undefined;
  },
  bo: (value) => {
    const [, width, text = ""] = /^([0-9]+)px_solid_(.+)$/.exec(value) ?? [];
    return token("b", `${width}_${colourOf(text)}`);
  },
  b: background,
  t: (value) => `n-${encodeURIComponent(value)}`,
  fl: (value) =>
    value.split(".").map((flag) => {
      const [name, how] = flag.split(":");
      return name === "progressive" ? token("pr", how === "none" ? "false" : "true") : undefined;
    }),
  so: seconds("so"),
  eo: seconds("eo"),
  du: seconds("du"),
};

/** Where a layer lies. */
const PLACES: Readonly<Record<string, Translate<Context>>> = {
  g: words("lfo", GRAVITIES),
  x: (value) => offset("lx", value),
  y: (value) => offset("ly", value),
};

const offset = (key: string, value: string) =>
  /^-?[0-9]{1,5}$/.test(value) ? `${key}-${value.replace("-", "N")}` : undefined;

/** What a text has beside what all layers have. */
const LETTERS: Readonly<Record<string, Translate<Context>>> = {
  co: (value) => {
    const colour = colourOf(value);
    return colour !== undefined && token("bg", colour) !== undefined ? `co-${colour}` : undefined;
  },
};

const LOOKS: Readonly<Record<string, string>> = { bold: "b", italic: "i" };
const ALIGNMENTS: Readonly<Record<string, string>> = {
  left: "left",
  start: "left",
  center: "center",
  right: "right",
  end: "right",
};

type Table = Readonly<Record<string, Translate<Context>>>;

const translated = (items: readonly Item[], table: Table, context: Context): Tokens =>
  items.flatMap(({ key, value }) => (Object.hasOwn(table, key) ? table[key]?.(value, context) : undefined));

/** The part of a layer that says what it shows; `undefined`: the language has none such. */
function inputOf(source: string): readonly string[] | undefined {
  const [kind = "", ...rest] = source.split(":");
  if (kind !== "text") {
    if (["fetch", "lut", "subtitles", "video", "audio"].includes(kind)) return undefined;
    return ["l-image", `i-${[kind, ...rest].map(encodeURIComponent).join("@@")}`];
  }
  const [style = "", ...text] = rest;
  const [, font = "", size = "", more = ""] = /^(.+?)_([0-9]{1,4})((?:_[a-z]+)*)$/.exec(style) ?? [];
  if (size === "" || text.join("") === "") return undefined;
  const qualifiers = more.split("_");
  const styles = qualifiers.flatMap((word) => (Object.hasOwn(LOOKS, word) ? [LOOKS[word]] : []));
  const [alignment] = qualifiers.flatMap((word) =>
    Object.hasOwn(ALIGNMENTS, word) ? [ALIGNMENTS[word]] : [],
  );
  // Clients encode characters that separate parameters once more.
  const base64 = Buffer.from(lenient(text.join(":"))).toString("base64");
  return [
    "l-text",
    `ie-${encodeURIComponent(base64)}`,
    `ff-${encodeURIComponent(font.replaceAll("/", "@@"))}`,
    `fs-${size}`,
    ...(styles.length > 0 ? [`tg-${styles.join("_")}`] : []),
    ...(alignment === undefined ? [] : [`ia-${alignment}`]),
  ];
}

const isLayer = (component: readonly Item[]) => component.some(({ key }) => key === "l");

const isEnd = (component: readonly Item[]) =>
  component.some(({ key, value }) => key === "fl" && value.split(".").includes("layer_apply"));

/** The layer of a component, and the component after it. It reaches to the next `fl_layer_apply`; without one, the component says all. */
function layerAt(components: readonly (readonly Item[])[], at: number, context: Context) {
  const own = components[at] ?? [];
  const end = components.findIndex(
    (component, index) => (index > at && isLayer(component)) || (index >= at && isEnd(component)),
  );
  const isLong = end > at && !isLayer(components[end] ?? []);
  const isPlaced = ({ key }: Item) => Object.hasOwn(PLACES, key);
  const place = isLong ? (components[end] ?? []) : own;
  const inner = isLong ? components.slice(at, end) : [own.filter((item) => !isPlaced(item))];
  const input = inputOf(own.find(({ key }) => key === "l")?.value ?? "");
  const table = input?.[0] === "l-text" ? { ...TRANSLATIONS, ...LETTERS } : TRANSLATIONS;
  const [first = [], ...rest] = inner.map((component) => translated(component, table, context));
  const head = [...(input ?? []), ...translated(place, PLACES, context), ...first];
  const text = [head, ...rest].map(joined).filter((step) => step !== "");
  return { text: input && `${text.join(":")},l-end`, next: isLong ? end + 1 : at + 1 };
}

/** Components as a chain of the language; empty: none of them has a meaning in it. */
function chainOf(components: readonly (readonly Item[])[], context: Context): string {
  const steps: (string | undefined)[] = [];
  let at = 0;
  while (at < components.length) {
    const component = components[at] ?? [];
    if (isLayer(component)) {
      const { text, next } = layerAt(components, at, context);
      steps.push(text);
      at = next;
      continue;
    }
    steps.push(joined(translated(component, TRANSLATIONS, context)));
    at++;
  }
  return steps.filter(Boolean).join(":");
}

/** The items of a segment; `undefined`: it is part of the path. */
function componentOf(segment: string): readonly Item[] | undefined {
  const items = segment.split(",").map((part): Item => {
    const [, key = "", value = ""] = /^(\$[a-zA-Z]\w*|[a-z]{1,4})_(.+)$/s.exec(lenient(part)) ?? [];
    return { key, value };
  });
  return items.every(({ key }) => key !== "") && items.some(({ key }) => KEYS.has(key)) ? items : undefined;
}

/**
 * `w_300,h_200,c_fill/a_90/folder/photo.jpg` → `tr:w-300,h-200,c-maintain_ratio:rt-90/folder/photo.jpg`, as
 * https://imagekit.io/docs/migration/cloudinary-to-imagekit lists the parameters. `preserves`: `image/upload` at the beginning is part
 * of the file's path.
 */
export function rewriteCloudinary({ path, query }: UnsignedUrl, preserves: boolean): UnsignedUrl {
  const plain = path.replace(/^\/+/, "");
  const segments = plain.split("/");
  const start = HEAD.test(plain) ? 2 : 0;
  const components: (readonly Item[])[] = [];
  let at = start;
  for (; at < segments.length - 1; at++) {
    const component = componentOf(segments[at] ?? "");
    if (!component) break;
    components.push(component);
  }
  const rest = [...(preserves ? segments.slice(0, start) : []), ...segments.slice(at)];
  const isVideo = mediaOf({ kind: "path", path: lenient(segments.at(-1) ?? ""), suffixes: [] }) === "video";
  const chain = chainOf(components, { isVideo });
  return { path: [...(chain === "" ? [] : [`tr:${chain}`]), ...rest].join("/"), query };
}
