import { invalid } from "../model/errors.ts";

export const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Undoes percent-encoding once. Bytes that a client sent unencoded are read as UTF-8 too. Throws `EINVAL` for an
 * incomplete escape or text that is not UTF-8; `what` names the text in the error.
 */
export function decodeText(text: string, what: string): string {
  try {
    if (/^[\x20-\x7e]*$/.test(text)) return text.includes("%") ? decodeURIComponent(text) : text;
    return decodeBytes(text);
  } catch {
    throw invalid(what, "percent-encoded UTF-8", text);
  }
}

/** Node hands over the bytes above 127 of a URL as one character each. */
function decodeBytes(text: string): string {
  const bytes = Buffer.alloc(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code === 37) {
      const hex = text.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/i.test(hex)) throw new Error("incomplete escape");
      code = Number.parseInt(hex, 16);
      at += 2;
    } else if (code > 255) throw new Error("not a byte");
    bytes[length++] = code;
  }
  return UTF8.decode(bytes.subarray(0, length));
}

/** The decoded text, or the text as it is where it is not well encoded. */
export function lenient(text: string): string {
  try {
    return decodeText(text, "query");
  } catch {
    return text;
  }
}
