import { ascii } from "./sniff.ts";

/** `xx`: any byte. */
const at0 = (hex: string) => {
  const bytes = hex.split(" ").map((byte) => (byte === "xx" ? undefined : Number.parseInt(byte, 16)));
  return (head: Uint8Array) => bytes.every((byte, at) => byte === undefined || head[at] === byte);
};

const text =
  (pattern: RegExp, length = 16) =>
  (head: Uint8Array) =>
    pattern.test(ascii(head, 0, length));

const brand = (pattern: RegExp) => (head: Uint8Array) =>
  ascii(head, 4, 8) === "ftyp" && pattern.test(ascii(head, 8, 12));

/** Whether the first entry of an icon's directory has a length, and an offset after the directory. */
function hasDirectory(head: Uint8Array): boolean {
  if (head.length < 22) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const count = view.getUint16(4, true);
  return (
    count > 0 && count <= 256 && view.getUint32(14, true) > 0 && view.getUint32(18, true) >= 6 + 16 * count
  );
}

/** Signatures of picture formats that libvips does not read here; some are read if a plugin decodes them. */
const SIGNATURES: readonly (readonly [format: string, test: (head: Uint8Array) => boolean])[] = [
  ["jxl", at0("ff 0a")],
  ["jxl", at0("00 00 00 0c 4a 58 4c 20 0d 0a 87 0a")],
  ["jp2", at0("00 00 00 0c 6a 50 20 20 0d 0a 87 0a")],
  ["j2k", at0("ff 4f ff 51")],
  ["heic", brand(/^(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)$/)],
  ["cr3", brand(/^crx $/)],
  ["bmp", at0("42 4d xx xx xx xx 00 00 00 00")],
  ["ico", (head) => at0("00 00 01 00")(head) && hasDirectory(head)],
  ["cur", (head) => at0("00 00 02 00")(head) && hasDirectory(head)],
  ["pdf", text(/^%PDF-/)],
  ["eps", text(/^%!PS/)],
  ["eps", at0("c5 d0 d3 c6")],
  ["psd", at0("38 42 50 53 00")],
  ["qoi", text(/^qoif/)],
  ["pnm", text(/^P(?:[1-6]\s+(?:#|\d)|7\n[#A-Z])/)],
  ["pfm", text(/^P[Ff][ \r\n]/)],
  ["exr", at0("76 2f 31 01")],
  ["hdr", text(/^#\?(?:RADIANCE|RGBE)\s/)],
  ["dpx", text(/^(?:SDPX|XPDS)/)],
  ["cin", at0("80 2a 5f d7")],
  ["dds", text(/^DDS [|]/)],
  ["ktx", at0("ab 4b 54 58 20")],
  ["jxr", at0("49 49 bc")],
  ["flif", text(/^FLIF[1-9A-Z]/i)],
  ["bpg", at0("42 50 47 fb")],
  ["xcf", text(/^gimp xcf/)],
  ["icns", text(/^icns/)],
  [
    "pcx",
    (head) => head[0] === 10 && (head[1] ?? 9) <= 5 && head[2] === 1 && [1, 2, 4, 8].includes(head[3] ?? 0),
  ],
  [
    "sgi",
    (head) => head[0] === 1 && head[1] === 0xda && (head[2] ?? 9) <= 1 && [1, 2].includes(head[3] ?? 0),
  ],
  ["ras", at0("59 a6 6a 95")],
  ["raf", text(/^FUJIFILMCCD-RAW/)],
  ["rw2", at0("49 49 55 00")],
  ["orf", text(/^(?:IIR[OS]|MMOR)/)],
  ["x3f", text(/^FOVb/)],
  ["wmf", at0("d7 cd c6 9a")],
  ["emf", (head) => at0("01 00 00 00")(head) && ascii(head, 40, 44) === " EMF"],
];

/** The picture format of a file that this engine does not read. `undefined`: none that is known. */
export function unreadFormat(head: Uint8Array): string | undefined {
  return SIGNATURES.find(([, test]) => test(head))?.[0];
}
