import { MediaError } from "../model/errors.ts";
import type { Source } from "../model/source.ts";

/** Encodings of XML documents that are read, by the names that documents give them. */
const ENCODINGS = /^(?:utf-8|utf-16(?:le|be)?|us-ascii|ascii|iso-8859-\d{1,2}|windows-125\d)$/i;

const DECLARATION = /^(<\?xml\s[^>]*?)\sencoding\s*=\s*["']([^"']*)["']/i;

/** UTF-16 by its byte order mark, or else by the first characters (XML 1.0, appendix F). */
function utf16Of([first, second, third, fourth]: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  // UTF-32 begins so, too, and is not read.
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? undefined : "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0x3c && second === 0 && third !== 0 && fourth === 0) return "utf-16le";
  return first === 0 && second === 0x3c && third === 0 && fourth !== 0 ? "utf-16be" : undefined;
}

/** The first characters of a file, if it is XML; parts of characters at its end are replaced. */
const textOfHead = (head: Uint8Array): string => new TextDecoder(utf16Of(head) ?? "utf-8").decode(head);

/**
 * An XML document as text, without a byte order mark and without the name of its encoding. Throws `EUNSUPPORTED` for what could
 * hide markup from a reader: declared entities, and encodings that few readers know.
 */
export function xmlText(bytes: Uint8Array): string {
  const utf16 = utf16Of(bytes);
  const plain = new TextDecoder(utf16 ?? "utf-8").decode(bytes);
  const declared = DECLARATION.exec(plain)?.[2];
  if (declared !== undefined && !ENCODINGS.test(declared)) {
    throw new MediaError("EUNSUPPORTED", "Expected an SVG without an encoding other than UTF-8 or UTF-16");
  }
  const isBytewise = declared !== undefined && !utf16 && !/^utf/i.test(declared) && !hasByteOrderMark(bytes);
  const text = isBytewise ? new TextDecoder(declared).decode(bytes) : plain;
  // Wherever it is: finding out where a document type ends takes a parser.
  if (text.includes("<!ENTITY")) {
    throw new MediaError("EUNSUPPORTED", "Expected an SVG without entity declarations");
  }
  return text.replace(DECLARATION, "$1");
}

/** A byte order mark of UTF-8 counts more than what the document names. */
const hasByteOrderMark = ([first, second, third]: Uint8Array) =>
  first === 0xef && second === 0xbb && third === 0xbf;

/** Bytes at the start of a file within which its first element is looked for. */
const SVG_HEAD_LENGTH = 4096;

/** Whether the first element of a file is `svg`, after any prolog (XML 1.0 §2.8). */
export const isSvg = (head: Uint8Array): boolean => startsWithSvg(head) === true;

/** As `isSvg`, with a prolog of any length: one that does not end within `limit` bytes counts as that of an SVG. */
export async function isSvgSource(source: Pick<Source, "peek">, limit: number): Promise<boolean> {
  const known = startsWithSvg(await source.peek(SVG_HEAD_LENGTH));
  if (known !== undefined) return known;
  const more = await source.peek(limit);
  return startsWithSvg(more) ?? more.byteLength >= limit;
}

/** `undefined`: the prolog does not end within these bytes. Each part of it is passed once. */
function startsWithSvg(head: Uint8Array): boolean | undefined {
  const text = textOfHead(head);
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? "")) at++;
    const end = text.startsWith("<?", at)
      ? after(text, "?>", at + 2)
      : text.startsWith("<!--", at)
        ? after(text, "-->", at + 4)
        : /^<!doctype/i.test(text.slice(at, at + 9))
          ? endOfDoctype(text, at)
          : undefined;
    if (end === undefined) break;
    if (end === 0) return undefined;
    at = end;
  }
  const start = text.slice(at, at + 40);
  return start === "" ? undefined : /^<(?:[A-Za-z_][\w.-]{0,30}:)?svg[\s/>]/.test(start);
}

/** Position after `end`; 0: it does not end here. */
function after(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at === -1 ? 0 : at + end.length;
}

/** 0: it does not end here. */
function endOfDoctype(text: string, at: number): number {
  DOCTYPE.lastIndex = at;
  return DOCTYPE.test(text) ? DOCTYPE.lastIndex : 0;
}

/** Names and quoted literals, and declarations in brackets (XML 1.0 §2.8). */
const DOCTYPE = /<!doctype(?:[^"'[>]|"[^"]*"|'[^']*')*(?:\[(?:[^"'\]]|"[^"]*"|'[^']*')*\]\s*)?>/iy;
