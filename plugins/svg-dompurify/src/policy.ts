import { type CssNode, generate, type List, parse, tokenize, tokenTypes } from "css-tree";

// What may stay in a sanitised SVG: elements and attributes by name, references within the document only. Names are compared
// exactly, as XML has it.

export const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Elements of SVG 2 and Filter Effects that render, and that animate what is rendered. */
export const ELEMENTS = words(`
  a animate animateMotion animateTransform circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer
  feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG
  feFuncR feGaussianBlur feImage feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile
  feTurbulence filter g image line linearGradient marker mask mpath path pattern polygon polyline radialGradient rect set stop
  style svg switch symbol text textPath title tspan use view
`);

/** Attributes of these elements; none is an event handler. */
export const ATTRIBUTES = words(`
  class id lang role style tabindex title type xml:lang xml:space xmlns xmlns:xlink xlink:href xlink:title href

  alignment-baseline baseline-shift clip clip-path clip-rule color color-interpolation color-interpolation-filters direction
  display dominant-baseline enable-background fill fill-opacity fill-rule filter flood-color flood-opacity font font-family
  font-size font-size-adjust font-stretch font-style font-variant font-weight glyph-orientation-horizontal
  glyph-orientation-vertical image-rendering isolation letter-spacing lighting-color line-height marker marker-end marker-mid
  marker-start mask mask-type mix-blend-mode opacity overflow paint-order pointer-events shape-rendering stop-color stop-opacity
  stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width
  text-anchor text-decoration text-overflow text-rendering transform transform-origin unicode-bidi vector-effect visibility
  white-space word-spacing writing-mode

  accumulate additive amplitude attributeName attributeType azimuth baseFrequency baseProfile begin bias by calcMode
  clipPathUnits cx cy d diffuseConstant divisor dur dx dy edgeMode elevation end exponent filterUnits fr from fx fy
  gradientTransform gradientUnits height in in2 intercept k1 k2 k3 k4 kernelMatrix kernelUnitLength keyPoints keySplines keyTimes
  lengthAdjust limitingConeAngle markerHeight markerUnits markerWidth maskContentUnits maskUnits max media method min mode
  numOctaves offset operator order orient origin path pathLength patternContentUnits patternTransform patternUnits points
  pointsAtX pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits r radius refX refY repeatCount repeatDur
  requiredExtensions requiredFeatures restart result rotate rx ry scale seed side slope spacing specularConstant specularExponent
  spreadMethod startOffset stdDeviation stitchTiles surfaceScale systemLanguage tableValues targetX targetY textLength to values
  version viewBox width x x1 x2 xChannelSelector y y1 y2 yChannelSelector z zoomAndPan
`);

/** Attributes that only people read. */
const TEXT_ATTRIBUTES = words("class id lang title xlink:title xml:lang xml:space role");

const ANIMATION_ELEMENTS = words("animate animateMotion animateTransform set");

/** Pictures that an SVG may contain; an SVG in it would be another document. */
const EMBEDDED_PICTURE = /^data:image\/(?:png|jpeg|jpg|gif|webp|avif);base64,[a-z0-9+/=]*$/i;

const NAMESPACES: Readonly<Record<string, string>> = {
  xmlns: SVG_NAMESPACE,
  "xmlns:xlink": "http://www.w3.org/1999/xlink",
};

/** Whether an attribute may stay; any style in it has been cleaned. */
export function allowsAttribute(element: string, name: string, value: string): boolean {
  if (!ATTRIBUTES.has(name)) return name.startsWith("aria-") && /^aria-[a-z]+$/.test(name);
  const namespace = NAMESPACES[name];
  if (namespace !== undefined) return value === namespace;
  if (name === "href" || name === "xlink:href") return allowsReference(element, value);
  if (name === "attributeName") return allowsAnimationOf(value);
  return TEXT_ATTRIBUTES.has(name) || isInert(value);
}

function allowsReference(element: string, value: string): boolean {
  // Parsers of URLs leave such characters out (URL Standard §4.4).
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones.
  const address = value.replace(/[\u0000-\u0020]/g, "");
  if (address.startsWith("#")) return true;
  return (element === "image" || element === "feImage") && EMBEDDED_PICTURE.test(address);
}

/** Whether an animation may set an attribute: never one that leads somewhere, or is a style or a handler. */
const allowsAnimationOf = (name: string): boolean =>
  /^[A-Za-z][A-Za-z0-9-]*$/.test(name) && !/^(?:href|style|class|id|src|on.*)$/i.test(name);

/** Whether an element may stay with its attributes; `has`: whether it still has one. */
export const allowsElement = (name: string, has: (attribute: string) => boolean): boolean =>
  ELEMENTS.has(name) && (!ANIMATION_ELEMENTS.has(name) || name === "animateMotion" || has("attributeName"));

/** Whether a text of CSS, or a presentation attribute, names nothing outside of the document. */
export function isInert(css: string): boolean {
  // An escape could spell any of the words below.
  if (css.includes("\\") || css.includes("@import") || /@import|@namespace|@charset/i.test(css)) return false;
  if (/(?:image|image-set|cross-fade|element|paint|src|expression)\s*\(/i.test(css)) return false;
  if (/javascript:|vbscript:|-moz-binding|behavior\s*:/i.test(css)) return false;
  return [...css.matchAll(/url\s*\(\s*(["']?)\s*(.)/gis)].every(([, , first]) => first === "#");
}

/** A style sheet without rules and declarations that name other documents; `undefined`: it is not certain. */
export const cleanSheet = (css: string): string | undefined => cleaned(css, "stylesheet");

/** The same for the value of `style`. */
export const cleanStyle = (css: string): string | undefined => cleaned(css, "declarationList");

const AT_RULES = words("media supports keyframes -webkit-keyframes layer container");

const PARSE_OPTIONS = {
  parseValue: false,
  parseCustomProperty: false,
  parseRulePrelude: false,
  parseAtrulePrelude: false,
};

function cleaned(css: string, context: "stylesheet" | "declarationList"): string | undefined {
  if (context === "declarationList" && isInert(css)) return css;
  if (closesMore(css)) return undefined;
  try {
    const tree = parse(css, { context, ...PARSE_OPTIONS });
    if (tree.type === "StyleSheet" || tree.type === "DeclarationList") keepInert(tree.children);
    const text = generate(tree);
    return isInert(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The token that ends a block, by the one that begins it. */
const CLOSING_TOKENS = new Map<number, number>([
  [tokenTypes.Function, tokenTypes.RightParenthesis],
  [tokenTypes.LeftParenthesis, tokenTypes.RightParenthesis],
  [tokenTypes.LeftSquareBracket, tokenTypes.RightSquareBracket],
  [tokenTypes.LeftCurlyBracket, tokenTypes.RightCurlyBracket],
]);
const CLOSING_TOKEN_TYPES = new Set(CLOSING_TOKENS.values());

/**
 * Whether a bracket is closed that was not opened. The parser of css-tree 3.2 compares it with what an earlier text left in its
 * buffers, and may never return.
 */
function closesMore(css: string): boolean {
  const open: number[] = [];
  let more = false;
  tokenize(css, (type) => {
    const closing = CLOSING_TOKENS.get(type);
    if (closing !== undefined) open.push(closing);
    else if (type === open.at(-1)) open.pop();
    else if (open.length === 0 && CLOSING_TOKEN_TYPES.has(type)) more = true;
  });
  return more;
}

/** Takes out of a list all but rules and declarations that name nothing outside. */
function keepInert(nodes: List<CssNode>): void {
  nodes.forEach((node, item) => {
    if (!keeps(node)) nodes.remove(item);
  });
}

function keeps(node: CssNode): boolean {
  switch (node.type) {
    case "Declaration":
      return isInert(generate(node));
    case "Rule":
      keepInert(node.block.children);
      return isInert(generate(node.prelude));
    case "Atrule":
      if (node.block) keepInert(node.block.children);
      return AT_RULES.has(node.name.toLowerCase()) && (!node.prelude || isInert(generate(node.prelude)));
    default:
      return false;
  }
}
