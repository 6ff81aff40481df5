import type { Size } from "@mediatap/core";

/** A tag as far as filters are concerned. */
interface Tag {
  /** Without a prefix. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** Milliseconds of one core for each megapixel of a filter's region, measured with librsvg 2.63. */
const COSTS: Readonly<Record<string, number>> = {
  feDisplacementMap: 990,
  feDropShadow: 500,
  feFlood: 20,
  feDistantLight: 0,
  fePointLight: 0,
  feSpotLight: 0,
  feFuncR: 0,
  feFuncG: 0,
  feFuncB: 0,
  feFuncA: 0,
  feComponentTransfer: 350,
  feDiffuseLighting: 350,
  feSpecularLighting: 350,
  feMerge: 50,
  feMergeNode: 150,
  feColorMatrix: 225,
  feComposite: 160,
  feBlend: 160,
  feOffset: 50,
};
/** Of the others, blurs first: librsvg blurs in three passes, however large the radius is. */
const DEFAULT_COST = 430;

/** Of `feComposite` with `operator="arithmetic"`. */
const ARITHMETIC_COST = 235;

/** Filters that CSS names by a function (Filter Effects 1, section 6), each priced like a blur. */
export const FILTER_FUNCTION =
  /\b(?:blur|brightness|contrast|drop-shadow|grayscale|hue-rotate|invert|opacity|saturate|sepia)\(/gi;
export const FUNCTION_COST = DEFAULT_COST;

/**
 * Primitives whose result is an alpha channel alone if all their inputs are, as in the shadows that design tools export. librsvg
 * takes a quarter of the time for it.
 */
const KEEPS_ALPHA: ReadonlySet<string> = new Set([
  "feOffset",
  "feGaussianBlur",
  "feColorMatrix",
  "feComponentTransfer",
  "feComposite",
  "feBlend",
]);
const ALPHA_COST = 0.25;

/** What the primitives of one filter have produced so far. */
interface Results {
  /** Names of results that are an alpha channel alone. */
  readonly alpha: Set<string>;
  /** Whether the last result is one. */
  last: boolean;
}

/** Pixels of a radius above which librsvg takes no longer. */
const MAX_RADIUS = 10;
/** Pixels of the width that a drawing is expected to be enlarged to: radii grow along. */
const EXPECTED_WIDTH = 1000;

/** Share of the picture whose cost is the minimum of a filter. */
const MIN_AREA = 0.04;

/** Parts of a drawing may have larger units than the whole, or that cannot be seen (character references). */
const SCALED_PATTERN =
  /\b(?:scale|matrix|skew[XY]?)\s*\(|\bslice\b|\bscale\s*:|objectBoundingBox|<(?:[\w.-]+:)?marker\b|&#/i;
/** An element that begins units of its own, or would if it is the second one. */
const VIEWPORT_PATTERN = /viewBox|<(?:[\w.-]+:)?svg\b/gi;

/** Prices the filters of a drawing, whose `text` starts with `root` as its first element. */
export function createFilterPricing(text: string, root: Tag) {
  const viewports = `${text.match(VIEWPORT_PATTERN)}`.toLowerCase().split(",");
  const isScaled = SCALED_PATTERN.test(text) || new Set(viewports).size < viewports.length;
  const canvas = isScaled ? undefined : canvasOf(root);
  const filters = new WeakMap<object, Results>();
  const scale = canvas ? Math.max(1, EXPECTED_WIDTH / canvas.width) : MAX_RADIUS;

  /** Milliseconds for a megapixel of one primitive. `filter`: the element that it lies in, if that is a filter. */
  function costOf(tag: Tag, filter: object | undefined): number {
    return fullCostOf(tag) * (filter ? alphaFactor(tag, filter) : 1);
  }

  function alphaFactor({ name, attributes }: Tag, filter: object): number {
    if (name.startsWith("feFunc") || name === "feMergeNode") return 1;
    const results = filters.get(filter) ?? { alpha: new Set(["SourceAlpha"]), last: false };
    filters.set(filter, results);
    const inputs = ["in", ...(name === "feComposite" || name === "feBlend" ? ["in2"] : [])].map(
      (attribute) => {
        const input = attributes.get(attribute)?.trim();
        return input === undefined ? results.last : results.alpha.has(input);
      },
    );
    results.last = KEEPS_ALPHA.has(name) && inputs.every(Boolean);
    const result = attributes.get("result")?.trim() ?? "";
    if (!/^[\w-]*$/.test(result)) results.alpha.clear();
    else if (results.last) results.alpha.add(result);
    else results.alpha.delete(result);
    if (!KEEPS_ALPHA.has(name)) return 1;
    return inputs.reduce((sum, isAlpha) => sum + (isAlpha ? ALPHA_COST : 1), 0) / inputs.length;
  }

  function fullCostOf({ name, attributes }: Tag): number {
    const numbers = (attribute: string) => (attributes.get(attribute) ?? "").split(/[\s,]+/).map(Number);
    const product = (attribute: string, factor = 1, max = 1e6) => {
      const [x = 0, y = x] = numbers(attribute);
      return Math.min(max, (x || 0) * factor) * Math.min(max, (y || 0) * factor);
    };
    if (name === "feConvolveMatrix") return 220 + 30 * (product("order") || 9);
    if (name === "feMorphology") return 60 * Math.max(2, product("radius", scale, MAX_RADIUS));
    if (attributes.get("operator")?.trim() === "arithmetic") return ARITHMETIC_COST;
    if (name === "feTurbulence") return 220 + 50 * (numbers("numOctaves")[0] || 1);
    return COSTS[name] ?? DEFAULT_COST;
  }

  /** Share of the picture, from 0 to 1, that a filter works on. */
  function areaOf({ attributes }: Tag): number {
    if (!canvas || attributes.get("filterUnits") !== "userSpaceOnUse") return 1;
    const share =
      (Number(attributes.get("width")) * Number(attributes.get("height"))) / (canvas.width * canvas.height);
    return share >= 0 ? Math.min(1, Math.max(MIN_AREA, share)) : 1;
  }

  return { costOf, areaOf };
}

function canvasOf({ attributes }: Tag): Size | undefined {
  const box = attributes
    .get("viewBox")
    ?.trim()
    .split(/[\s,]+/);
  const [width, height] = (box?.slice(2) ?? [attributes.get("width"), attributes.get("height")]).map((side) =>
    Number.parseFloat(side ?? ""),
  );
  return width && height && width > 0 && height > 0 ? { width, height } : undefined;
}
