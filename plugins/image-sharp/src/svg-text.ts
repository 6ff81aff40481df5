import { MediaError } from "@mediatap/core";

/** Encodings of XML documents that are read, by the names that documents give them. */
const ENCODINGS = /^(?:utf-8|utf-16(?:le|be)?|us-ascii|ascii|iso-8859-\d{1,2}|windows-125\d)$/i;

const DECLARATION = /^(<\?xml\s[^>]*?)\sencoding\s*=\s*["']([^"']*)["']/i;

/** UTF-16 by its byte order mark, or else by the first characters (XML 1.0, appendix F). */
export function utf16Of([first, second, third, fourth]: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  // UTF-32 begins so, too, and is not read.
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? undefined : "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0x3c && second === 0 && third !== 0 && fourth === 0) return "utf-16le";
  return first === 0 && second === 0x3c && third === 0 && fourth !== 0 ? "utf-16be" : undefined;
}

/** The first characters of a file, if it is XML; parts of characters at its end are replaced. */
export const textOfHead = (head: Uint8Array): string =>
  new TextDecoder(utf16Of(head) ?? "utf-8").decode(head);

/**
 * An XML document as text, without a byte order mark and without the name of its encoding. Throws `EUNSUPPORTED` for an
 * encoding in which markup could hide from a reader of another one.
 */
export function xmlText(bytes: Uint8Array): string {
  const utf16 = utf16Of(bytes);
  const plain = new TextDecoder(utf16 ?? "utf-8").decode(bytes);
  const declared = DECLARATION.exec(plain)?.[2];
  if (declared === undefined) return plain;
  if (!ENCODINGS.test(declared)) {
    throw new MediaError("EUNSUPPORTED", "Expected an SVG without an encoding other than UTF-8 or UTF-16");
  }
  const isBytewise = !utf16 && !/^utf/i.test(declared) && !hasMark(bytes);
  const text = isBytewise ? new TextDecoder(declared).decode(bytes) : plain;
  return text.replace(DECLARATION, "$1");
}

/** A byte order mark of UTF-8 counts more than what the document names. */
const hasMark = ([first, second, third]: Uint8Array) => first === 0xef && second === 0xbb && third === 0xbf;
