import createDOMPurify, { type WindowLike } from "dompurify";
import { JSDOM } from "jsdom";
import { SaxesParser } from "saxes";
import {
  ATTRIBUTES,
  allowsAttribute,
  allowsElement,
  cleanSheet,
  cleanStyle,
  ELEMENTS,
  isInert,
  SVG_NAMESPACE,
} from "./policy.ts";

// Runs in a thread: jsdom takes half a second to load, and a document takes many times its bytes.

/** Why a document cannot be sanitised. */
export class Unreadable extends Error {}

/** A window in which no script runs and nothing is loaded, and DOMPurify with our policy in it: one for all documents. */
const { window } = new JSDOM("");
const purify = createDOMPurify(window as unknown as WindowLike);
purify.addHook("beforeSanitizeElements", (node) => {
  if (isElement(node)) cleanStyles(node);
});
purify.addHook("uponSanitizeAttribute", (node, data) => {
  data.keepAttr &&= allowsAttribute(node.nodeName, data.attrName, data.attrValue);
});
purify.addHook("afterSanitizeAttributes", (node) => {
  if (!allowsElement(node.nodeName, (name) => node.hasAttribute(name))) node.remove();
});
purify.setConfig({
  ALLOWED_TAGS: [...ELEMENTS, "#text"],
  ALLOWED_ATTR: [...ATTRIBUTES],
  ALLOW_DATA_ATTR: false,
  ALLOWED_NAMESPACES: [SVG_NAMESPACE],
  NAMESPACE: SVG_NAMESPACE,
  PARSER_MEDIA_TYPE: "application/xhtml+xml",
  IN_PLACE: true,
  KEEP_CONTENT: false,
  // No script is left whose names an identifier could take.
  SANITIZE_DOM: false,
});

/**
 * The document without whatever could run or load something: scripts, event handlers, foreign content, references to other
 * documents, processing instructions, declarations and comments. Throws `Unreadable` for what is no well-formed SVG.
 */
export function sanitize(text: string): string {
  if (!purify.isSupported) throw new TypeError("DOMPurify does not work here");
  const root = rootOf(text);
  flatten(root);
  purify.sanitize(root as unknown as Node);
  const clean = new window.XMLSerializer().serializeToString(root);
  // The list of removed nodes references the document.
  purify.removed.length = 0;
  verify(clean);
  return clean;
}

/** Parses strictly, as browsers parse SVG files. */
function rootOf(text: string): Element {
  // The parser would replace entity names with their text.
  if (text.includes("<!ENTITY")) throw new Unreadable();
  const document = new window.DOMParser().parseFromString(text, "image/svg+xml");
  const root = document.documentElement;
  const failed = document.getElementsByTagName("parsererror").length > 0;
  if (failed || root.namespaceURI !== SVG_NAMESPACE || root.nodeName !== "svg") throw new Unreadable();
  return root;
}

const isElement = (node: Node): node is Element => node.nodeType === 1;

/** Leaves elements and text alone: CDATA sections become text, comments and processing instructions go. */
function flatten(root: Element): void {
  const document = root.ownerDocument;
  const walker = document.createTreeWalker(root);
  const others: ChildNode[] = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType !== 1 && node.nodeType !== 3) others.push(node as ChildNode);
  }
  for (const node of others) {
    if (node.nodeType === 4) node.replaceWith(document.createTextNode(node.nodeValue ?? ""));
    else node.remove();
  }
}

/** Takes out of styles what names other documents. */
function cleanStyles(element: Element): void {
  const style = element.getAttribute("style");
  if (style !== null) {
    const clean = cleanStyle(style);
    if (clean === undefined) element.removeAttribute("style");
    else if (clean !== style) element.setAttribute("style", clean);
  }
  if (element.nodeName !== "style") return;
  // Elements in it would be no style.
  const css = cleanSheet(element.textContent ?? "");
  element.textContent = css ?? "";
}

/**
 * Holds the result to the same rules once more, as another parser reads it: a defect must not go out. Throws for what is
 * neither an element that may stay nor text.
 */
function verify(text: string): void {
  const parser = new SaxesParser({ xmlns: true });
  let css = "";
  let inStyle = false;
  const refuse = (what: string) => {
    throw new Error(`The sanitised document has ${what} in it`);
  };
  parser.on("error", (error) => refuse(error.message));
  parser.on("doctype", () => refuse("a document type"));
  parser.on("processinginstruction", () => refuse("a processing instruction"));
  parser.on("comment", () => refuse("a comment"));
  parser.on("cdata", () => refuse("a CDATA section"));
  parser.on("text", (chunk) => {
    if (inStyle) css += chunk;
  });
  parser.on("opentag", ({ name, uri, attributes }) => {
    const isRight =
      !inStyle &&
      uri === SVG_NAMESPACE &&
      allowsElement(name, (attribute) => attribute in attributes) &&
      Object.values(attributes).every((attribute) => allowsAttribute(name, attribute.name, attribute.value));
    if (!isRight) refuse(name);
    inStyle = name === "style";
  });
  parser.on("closetag", () => {
    if (inStyle && !isInert(css)) refuse("a style sheet");
    inStyle = false;
    css = "";
  });
  parser.write(text).close();
}
