import { deflateSync } from "node:zlib";

/** A page to be written; sizes in points. */
export interface Page {
  readonly width: number;
  readonly height: number;
  /** Operators (ISO 32000-2 annex A). */
  readonly content?: string;
  /** Degrees by which viewers turn it, clockwise. */
  readonly turned?: number;
  /** Further entries of its dictionary. */
  readonly more?: string;
  readonly compressed?: boolean;
}

export interface Extras {
  /** Further objects, numbered from 10_000 on. */
  readonly objects?: readonly string[];
  /** Further entries of the catalogue and of the trailer. */
  readonly catalog?: string;
  readonly trailer?: string;
}

/** A PDF file of some pages. */
export function makePdf(
  pages: readonly Page[],
  { objects = [], catalog = "", trailer = "" }: Extras = {},
): Buffer {
  const numbered = new Map<number, string | Buffer>();
  numbered.set(1, `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`);
  const kids = pages.map((_, at) => `${10 + 2 * at} 0 R`).join(" ");
  numbered.set(2, `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`);
  numbered.set(3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
  for (const [at, { width, height, content = "", turned = 0, more = "", compressed }] of pages.entries()) {
    const own = more.includes("/Resources") ? "" : "/Resources << /Font << /F1 3 0 R >> >>";
    numbered.set(
      10 + 2 * at,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Rotate ${turned} /Contents ${11 + 2 * at} 0 R ${own} ${more} >>`,
    );
    const data = compressed ? deflateSync(content, { level: 9 }) : Buffer.from(content, "latin1");
    numbered.set(11 + 2 * at, stream(data, compressed ? "/Filter /FlateDecode" : ""));
  }
  for (const [at, object] of objects.entries()) numbered.set(10_000 + at, object);

  const parts: Buffer[] = [Buffer.from("%PDF-1.7\n")];
  let length = parts[0]?.length ?? 0;
  const add = (channel: string | Buffer) => {
    const bytes = typeof channel === "string" ? Buffer.from(channel, "latin1") : channel;
    parts.push(bytes);
    length += bytes.length;
  };
  const table: string[] = [];
  for (const [number, object] of numbered) {
    table.push(`${number} 1\n${String(length).padStart(10, "0")} 00000 n \n`);
    add(`${number} 0 obj\n`);
    add(object);
    add("\nendobj\n");
  }
  const start = length;
  const size = Math.max(...numbered.keys()) + 1;
  add(`xref\n0 1\n0000000000 65535 f \n${table.join("")}`);
  add(`trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`);
  return Buffer.concat(parts);
}

/** A stream object. */
export function stream(data: string | Buffer, entries = ""): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  return Buffer.concat([
    Buffer.from(`<< /Length ${bytes.length} ${entries} >>\nstream\n`, "latin1"),
    bytes,
    Buffer.from("\nendstream", "latin1"),
  ]);
}

/** Red, green / blue, white, as a viewer shows an unturned page. */
export function quarters(width: number, height: number): string {
  const [w, h] = [width / 2, height / 2];
  return `1 0 0 rg 0 ${h} ${w} ${h} re f 0 1 0 rg ${w} ${h} ${w} ${h} re f 0 0 1 rg 0 0 ${w} ${h} re f`;
}
