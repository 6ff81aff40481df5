// The quality of a JPEG by its luminance quantisation table (ITU-T T.81 §B.2.4.1). Most encoders scale a known table as libjpeg does
// (jcparam.c: jpeg_quality_scaling, jpeg_add_quant_table). Files come from anybody: only segments in front of the first table are looked at.

/** Tables at quality 50, in zigzag order: that of the standard (T.81 table K.1), and those of mozjpeg (jcparam.c) for MS-SSIM and for its default. */
// biome-ignore format: rows of a table
const TABLES = [
  [16,11,12,14,12,10,16,14,13,14,18,17,16,19,24,40,26,24,22,22,24,49,35,37,29,40,58,51,61,60,57,51,56,55,64,72,92,78,64,68,87,69,55,56,80,109,81,87,95,98,103,104,103,62,77,113,121,112,100,120,92,101,103,99],
  [12,17,18,19,20,20,21,20,20,26,31,26,21,26,30,34,28,26,26,33,40,46,35,36,30,33,51,56,63,61,58,46,40,46,66,68,90,76,62,46,87,69,55,55,86,96,81,86,90,96,102,100,100,66,73,111,121,113,102,120,91,101,105,103],
  [16,16,16,16,17,16,18,20,20,18,25,27,24,27,25,37,34,31,31,34,37,56,40,43,40,43,40,56,85,53,62,53,53,62,53,85,75,91,74,69,74,91,75,135,106,94,94,106,135,156,131,124,131,156,189,169,169,189,238,226,238,311,311,418],
];

/** First bytes of a file that are read: profiles and EXIF blocks come before the tables. */
export const MAX_HEADER_BYTES = 1024 * 1024;

const [START_OF_IMAGE, START_OF_SCAN, DEFINE_TABLES] = [0xffd8, 0xffda, 0xffdb];

/** The estimated quality of a JPEG, 1–100, by its first bytes. `undefined`: they contain no table. */
export function qualityOf(head: Uint8Array): number | undefined {
  const table = luminanceTable(Buffer.from(head.buffer, head.byteOffset, head.byteLength));
  if (!table) return undefined;
  let best = 0;
  let leastDistance = Infinity;
  for (const known of TABLES) {
    for (let quality = 100; quality >= 1; quality--) {
      const distance = distanceOf(table, known, quality);
      if (distance < leastDistance) [best, leastDistance] = [quality, distance];
    }
  }
  return best;
}

/** Between a table and a known one at a quality: the sum of the differences. */
function distanceOf(table: readonly number[], known: readonly number[], quality: number): number {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return known.reduce((sum, entry, at) => {
    const scaled = Math.min(255, Math.max(1, Math.floor((entry * percent + 50) / 100)));
    return sum + Math.abs(scaled - (table[at] as number));
  }, 0);
}

/** The entries of the table of luminance, which has the number 0. */
function luminanceTable(head: Buffer): readonly number[] | undefined {
  try {
    if (head.readUInt16BE(0) !== START_OF_IMAGE) return undefined;
    for (let at = 2; ; ) {
      const marker = head.readUInt16BE(at);
      if (marker === START_OF_SCAN || marker < 0xff00) return undefined;
      const end = at + 2 + head.readUInt16BE(at + 2);
      if (marker === DEFINE_TABLES) {
        for (let start = at + 4; start < end; ) {
          const kind = head.readUInt8(start);
          const bytes = kind >> 4 === 0 ? 1 : 2;
          const first = start + 1;
          start = first + 64 * bytes;
          if ((kind & 0x0f) === 0)
            return Array.from({ length: 64 }, (_, entry) => head.readUIntBE(first + entry * bytes, bytes));
        }
      }
      at = end;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}
