/** Bytes at the start of a file that are enough to detect its format. */
export const SNIFF_LENGTH = 512;

/** Still pictures and sequences coded with HEVC (ISO/IEC 23008-12 annex B), and such of any codec. */
const BRANDS = new Set([
  "heic",
  "heix",
  "heim",
  "heis",
  "hevc",
  "hevx",
  "hevm",
  "hevs",
  "mif1",
  "mif2",
  "msf1",
]);

/** AVIF is in the same container and names these brands, too; image engines read it by themselves. */
const NON_HEIF_BRANDS = new Set(["avif", "avis"]);

/** Whether a file is HEIF, by the brands of its first box (ISO/IEC 14496-12 §4.3), and not AVIF. */
export function isHeif(head: Uint8Array): boolean {
  const text = (at: number) => String.fromCharCode(...head.subarray(at, at + 4));
  if (head.length < 16 || text(4) !== "ftyp") return false;
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= Math.min(length, head.length); at += 4) if (at !== 12) brands.push(text(at));
  return brands.some((brand) => BRANDS.has(brand)) && !brands.some((brand) => NON_HEIF_BRANDS.has(brand));
}
