import { MediaError } from "@mediatap/core";
import { createFilterPricing, FILTER_FUNCTION, FUNCTION_COST } from "./svg-filters.ts";

/** An element that can be referred to, or the whole document. */
export interface Node {
  readonly name: string;
  /** Elements in it, itself included, references not followed. A filter counts as many. */
  weight: number;
  /** Estimated milliseconds for each megapixel that is drawn. What is in a filter counts for the filter only. */
  cost: number;
  /** `#id` and `.class` of what is drawn along with it, once for each place in it that names them. */
  readonly references: string[];
}

export interface Svg {
  readonly root: Node;
  /** Elements by `#id`. */
  readonly named: ReadonlyMap<string, Node>;
  /** What a `.class` refers to by the document's style sheets. */
  readonly classes: ReadonlyMap<string, readonly string[]>;
}

/** Named elements inside one another; each costs work for every element in it. */
const MAX_NESTED = 100;

const refuse = (what: string) => new MediaError("EUNSUPPORTED", `Expected an SVG without ${what}`);
export const tooMany = (limit: number) =>
  new MediaError("ELIMIT", `Expected at most ${limit} elements of an SVG, references followed`);
const broken = () => new MediaError("UNIDENTIFIED", "The source is not a readable image");

/**
 * Reads which elements a document has and what refers to what, looking at each character once. Throws `EUNSUPPORTED` for
 * what reaches outside the document or hides from this reader, and `ELIMIT` for more than `limit` elements or references.
 */
export function readSvg(text: string, limit: number): Svg {
  const root: Node = { name: "", weight: 0, cost: 0, references: [] };
  const named = new Map<string, Node>([
    [CSS_FILTER_ID, { name: "filter", weight: FILTER_WEIGHT, cost: FUNCTION_COST, references: [] }],
  ]);
  // Filters that are open: their regions, as a part of the drawing.
  const areas = new Map<Node, number>();
  let pricing: ReturnType<typeof createFilterPricing> | undefined;
  const classes = new Map<string, string[]>();
  // The root and the named elements that are open: what a new element counts for.
  const counted: Node[] = [root];
  const open: { readonly name: string; readonly counted: boolean }[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf("<", at);
    const inStyle = open.at(-1)?.name === "style";
    if (inStyle) readStyle(text.slice(at, start === -1 ? undefined : start), classes);
    if (start === -1) break;
    if (text.startsWith("<!--", start)) {
      at = after(text, "-->", start + 4);
    } else if (text.startsWith("<![CDATA[", start)) {
      at = after(text, "]]>", start);
      if (inStyle) readStyle(text.slice(start + 9, at - 3), classes);
    } else if (text.startsWith("<?", start)) {
      at = after(text, "?>", start);
      checkInstruction(text.slice(start, at));
    } else if (text.startsWith("<!", start)) {
      at = after(text, ">", start);
      if (text.slice(start, at).includes("[")) throw refuse("declarations of its own");
    } else if (text[start + 1] === "/") {
      at = after(text, ">", start);
      if (open.pop()?.counted) counted.pop();
    } else {
      const tag = readTag(text, start);
      at = tag.end;
      pricing ??= createFilterPricing(text, tag);
      const id = tag.attributes.get("id");
      const isNew = id !== undefined && !named.has(`#${id}`);
      if (isNew) {
        const node: Node = { name: tag.name, weight: 0, cost: 0, references: [] };
        if (tag.name === "filter") areas.set(node, pricing.areaOf(tag));
        named.set(`#${id}`, node);
        counted.push(node);
      }
      const references = referencesOf(tag);
      const weight = weightOf(tag);
      const filterCost = isFilter(tag) ? pricing.costOf(tag, filterOf(open)) : undefined;
      for (const node of counted) {
        node.cost += filterCost === undefined ? ELEMENT_COST : filterCost * (areas.get(node) ?? 0);
        node.weight += weight;
        node.references.push(...references);
      }
      if (Math.max(root.weight, root.references.length) > limit) throw tooMany(limit);
      if (counted.length > MAX_NESTED) throw new MediaError("ELIMIT", "The SVG is nested too deeply");
      if (!tag.closed) open.push({ name: tag.name, counted: isNew });
      else if (isNew) counted.pop();
    }
  }
  if (root.weight === 0) throw broken();
  return { root, named, classes };
}

function after(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  if (at === -1) throw broken();
  return at + end.length;
}

function checkInstruction(text: string): void {
  if (/^<\?xml-stylesheet/i.test(text)) throw refuse("style sheets of others");
}

interface Tag {
  /** Without a prefix. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly closed: boolean;
  readonly end: number;
}

const TAG_NAME = /[^\s/>]+/y;
const ATTRIBUTE = /\s*([^\s=/>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
const TAG_END = /\s*(\/?)>/y;

function readTag(text: string, start: number): Tag {
  TAG_NAME.lastIndex = start + 1;
  const name = TAG_NAME.exec(text)?.[0];
  if (name === undefined) throw broken();
  const attributes = new Map<string, string>();
  let at = TAG_NAME.lastIndex;
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const attribute = ATTRIBUTE.exec(text);
    if (!attribute) break;
    attributes.set(attribute[1] as string, decode(attribute[2] ?? attribute[3] ?? ""));
    at = ATTRIBUTE.lastIndex;
  }
  TAG_END.lastIndex = at;
  const end = TAG_END.exec(text);
  if (!end) throw broken();
  return { name: local(name), attributes, closed: end[1] === "/", end: TAG_END.lastIndex };
}

const local = (name: string) => name.slice(name.indexOf(":") + 1);

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** Character references resolved, so that they hide nothing. */
function decode(value: string): string {
  if (!value.includes("&")) return value;
  return value.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (match, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? match;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : match;
  });
}

/** Number of elements whose drawing takes as long as one primitive of a filter: it touches every pixel of its area. */
const FILTER_WEIGHT = 100;
/** Milliseconds for a megapixel of any other element: 40 together take about as long as painting the area once. */
const ELEMENT_COST = 0.5;

const filterOf = (open: readonly { readonly name: string }[]) => {
  const parent = open.at(-1);
  return parent?.name === "filter" ? parent : undefined;
};

const isFilter = ({ name }: Tag) => name.startsWith("fe");

/** Weight of an element in elements. The cost of some filters grows with their numbers. */
function weightOf(tag: Tag): number {
  if (!isFilter(tag)) return 1;
  const { attributes } = tag;
  const number = (attribute: string) => Number.parseFloat(attributes.get(attribute) ?? "") || 0;
  return (
    FILTER_WEIGHT * Math.max(1, number("numOctaves"), number("order") ** 2 / 9, number("radius") ** 2 / 25)
  );
}

/** What a filter function of CSS refers to. */
const CSS_FILTER_ID = "#filter()";

const RASTER = /^data:image\/(png|jpeg|jpg|gif|webp)[;,]/i;

function referencesOf({ name: element, attributes }: Tag): string[] {
  return [...attributes].flatMap(([attribute, value]) => {
    const name = local(attribute);
    if (name === "class")
      return value
        .split(/\s+/)
        .filter(Boolean)
        .map((word) => `.${word}`);
    // A link is followed by people, not by the renderer.
    if (name === "href" && element !== "a") return hrefOf(element, value.trim());
    return referencesIn(value);
  });
}

function hrefOf(element: string, target: string): string[] {
  if (target.startsWith("#")) return [target];
  if (target === "" || (RASTER.test(target) && element !== "use")) return [];
  throw refuse("references to other documents");
}

/** Identifiers named by `url(#id)`, and filter functions, in a style or a presentation attribute. */
function referencesIn(css: string): string[] {
  if (css.includes("\\") && css.includes("(")) throw refuse("escapes in styles");
  const targets = [...css.matchAll(/url\(\s*["']?\s*([^"')]*)/gi)].flatMap(([, target = ""]) =>
    hrefOf("", target.trim()),
  );
  return [...targets, ...(css.match(FILTER_FUNCTION) ?? []).map(() => CSS_FILTER_ID)];
}

/** Notes which classes refer to what. Other selectors with references match what is not known here. */
function readStyle(css: string, classes: Map<string, string[]>): void {
  if (/@import/i.test(css)) throw refuse("style sheets of others");
  for (const [, selectors = "", body = ""] of css.matchAll(/([^{}]*)\{([^{}]*)\}/g)) {
    const references = referencesIn(body);
    if (references.length === 0) continue;
    for (const selector of selectors.split(",")) {
      const name = selector.replace(/\/\*[^*]*\*\//g, "").trim();
      if (!/^\.[\w-]+$/.test(name)) throw refuse("references in styles, other than by class");
      classes.set(name, [...(classes.get(name) ?? []), ...references]);
    }
  }
}
