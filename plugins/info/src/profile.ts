// The name of an ICC profile (ICC.1:2022 §7.3, §9.2.41, §10.15; version 2: ICC.1:2001-04 §6.5.17). Files come from anybody: what is
// read of one is bounded.

const TAG_TABLE = 128;
const MAX_TAGS = 100;
const MAX_NAME_CHARACTERS = 200;

/** The description of a profile: `Display P3`. `undefined`: it has none that can be read. */
export function profileName(profile: Uint8Array): string | undefined {
  const bytes = Buffer.from(profile.buffer, profile.byteOffset, profile.byteLength);
  try {
    const tags = Math.min(bytes.readUInt32BE(TAG_TABLE), MAX_TAGS);
    for (let at = TAG_TABLE + 4; at < TAG_TABLE + 4 + 12 * tags; at += 12) {
      if (bytes.toString("latin1", at, at + 4) !== "desc") continue;
      const name = textAt(bytes, bytes.readUInt32BE(at + 4));
      return name?.replace(/\0.*$/s, "").trim() || undefined;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function textAt(bytes: Buffer, start: number): string | undefined {
  const type = bytes.toString("latin1", start, start + 4);
  if (type === "desc") {
    const length = Math.min(bytes.readUInt32BE(start + 8), MAX_NAME_CHARACTERS);
    return bytes.toString("latin1", start + 12, start + 12 + length);
  }
  if (type !== "mluc" || bytes.readUInt32BE(start + 8) === 0) return undefined;
  const length = Math.min(bytes.readUInt32BE(start + 20), 2 * MAX_NAME_CHARACTERS);
  const text = start + bytes.readUInt32BE(start + 24);
  // In UTF-16, of which Node reads the other byte order.
  return Buffer.from(bytes.subarray(text, text + length - (length % 2)))
    .swap16()
    .toString("utf16le");
}
