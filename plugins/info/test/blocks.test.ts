import assert from "node:assert/strict";
import fc from "fast-check";
import { exifOf, gpsOf } from "../src/exif.ts";
import { profileName } from "../src/profile.ts";
import { qualityOf } from "../src/quality.ts";

type Entry = readonly [tag: number, type: number, count: number, value: number];

/** An EXIF block with these directories, each at its own offset, and bytes after them. */
function block(directories: Readonly<Record<number, readonly Entry[]>>, length = 400, little = true): Buffer {
  const bytes = Buffer.alloc(length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  bytes.write(little ? "II*\0" : "MM\0*", "latin1");
  view.setUint32(4, 8, little);
  for (const [offset, entries] of Object.entries(directories)) {
    view.setUint16(Number(offset), entries.length, little);
    for (const [index, [tag, type, count, value]] of entries.entries()) {
      const at = Number(offset) + 2 + index * 12;
      view.setUint16(at, tag, little);
      view.setUint16(at + 2, type, little);
      view.setUint32(at + 4, count, little);
      view.setUint32(at + 8, value, little);
    }
  }
  return bytes;
}

describe("EXIF blocks", () => {
  for (const little of [true, false]) {
    it(`are read in ${little ? "little" : "big"} endian, with and without an identifier`, () => {
      const bytes = block(
        {
          8: [
            [271, 2, 6, 300],
            [0x8769, 4, 1, 100],
          ],
          100: [[33437, 5, 1, 320]],
        },
        400,
        little,
      );
      bytes.write("Canon\0", 300, "latin1");
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      view.setUint32(320, 28, little);
      view.setUint32(324, 10, little);
      const expected = { Make: "Canon", FNumber: 2.8 };
      assert.deepEqual(exifOf(bytes), expected);
      assert.deepEqual(exifOf(Buffer.concat([Buffer.from("Exif\0\0"), bytes])), expected);
      assert.equal(gpsOf(bytes), undefined);
    });
  }

  it("with a directory before their beginning have none", () => {
    for (const type of [9, 10]) {
      const bytes = block({
        8: [
          [271, 2, 6, 300],
          [0x8769, type, 1, type === 9 ? -1 >>> 0 : 320],
          [0x8825, type, 1, type === 9 ? -5 >>> 0 : 320],
        ],
      });
      bytes.write("Canon\0", 300, "latin1");
      bytes.writeInt32LE(-8, 320);
      bytes.writeInt32LE(1, 324);
      assert.deepEqual(exifOf(bytes), { Make: "Canon" });
      assert.equal(gpsOf(bytes), undefined);
    }
  });

  it("that refer to themselves, or to missing data, end", () => {
    const loops = block({
      8: [
        [0x8769, 4, 1, 8],
        [0x8825, 4, 1, 8],
        [271, 2, 0xffffffff, 390],
        [33434, 5, 0xffffffff, 0],
        [33437, 5, 1, 9999],
      ],
    });
    assert.deepEqual(exifOf(loops), { ExposureTime: Number((0x2a4949 / 8).toPrecision(6)) });
    assert.equal(gpsOf(loops), undefined);
    const zero = block({ 8: [[33437, 5, 1, 320]] });
    assert.equal(exifOf(zero), undefined, "a rational number over 0 is none");
  });

  it("of a megabyte that repeat an entry with many values are read in bounded time", () => {
    const entries = Array.from({ length: 65_535 }, (): Entry => [271, 2, 0xffffff, 8]);
    const bytes = block({ 8: entries }, 1_000_000);
    assert.equal(Object.keys(exifOf(bytes) ?? {}).length, 1);
    const wide = block({ 8: entries.map(([tag, , count]): Entry => [tag, 3, count, 8]) }, 1_000_000);
    assert.equal(typeof exifOf(wide)?.Make, "number");
  });

  it("with a position that does not exist have none", () => {
    const at = (latitude: number) => {
      const bytes = block({
        8: [[0x8825, 4, 1, 100]],
        100: [
          [2, 5, 3, 300],
          [4, 5, 3, 330],
        ],
      });
      for (const [offset, value] of [
        [300, latitude],
        [330, 7],
      ] as const) {
        for (const channel of [0, 1, 2]) {
          bytes.writeUInt32LE(channel === 0 ? value : 0, offset + channel * 8);
          bytes.writeUInt32LE(1, offset + channel * 8 + 4);
        }
      }
      return gpsOf(bytes);
    };
    assert.deepEqual(at(51), { latitude: 51, longitude: 7 });
    assert.equal(at(91), undefined);
  });

  it("of any bytes throw nothing", () => {
    const start = fc.constantFrom("II*\0", "MM\0*", "Exif\0\0II*\0", "");
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, bytes) => {
        const all = Buffer.concat([Buffer.from(head, "latin1"), bytes]);
        exifOf(all);
        gpsOf(all);
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(65_535), fc.nat(13), fc.nat(), fc.nat(500)), { maxLength: 10 }),
        (entries) => {
          const bytes = block({ 8: [...entries, [0x8769, 4, 1, 200]], 200: entries });
          exifOf(bytes);
          gpsOf(bytes);
        },
      ),
    );
  });
});

describe("ICC profiles", () => {
  /** A profile with one description. */
  function profile(description: Buffer, tags = 1): Buffer {
    const table = Buffer.alloc(4 + 12 * tags);
    table.writeUInt32BE(tags, 0);
    table.write("desc", 4 + 12 * (tags - 1), "latin1");
    table.writeUInt32BE(128 + table.length, 8 + 12 * (tags - 1));
    return Buffer.concat([Buffer.alloc(128), table, description]);
  }
  const ascii = (text: string, length = text.length + 1) => {
    const head = Buffer.alloc(12);
    head.write("desc", "latin1");
    head.writeUInt32BE(length, 8);
    return Buffer.concat([head, Buffer.from(`${text}\0`, "latin1")]);
  };
  const unicode = (text: string) => {
    const head = Buffer.alloc(28);
    head.write("mluc", "latin1");
    for (const [at, value] of [
      [8, 1],
      [12, 12],
      [20, text.length * 2],
      [24, 28],
    ] as const)
      head.writeUInt32BE(value, at);
    return Buffer.concat([head, Buffer.from(text, "utf16le").swap16()]);
  };

  it("have the name of their description, in the form of version 2 and of version 4", () => {
    assert.equal(profileName(profile(ascii("sRGB IEC61966-2.1"))), "sRGB IEC61966-2.1");
    assert.equal(profileName(profile(unicode("Display P3"), 3)), "Display P3");
    assert.equal(profileName(profile(ascii("", 1))), undefined);
    assert.equal(profileName(profile(ascii("Adobe RGB", 0xffffffff))), "Adobe RGB");
    assert.equal(profileName(Buffer.alloc(128)), undefined);
  });

  it("of any bytes throw nothing", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void profileName(bytes)));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        for (const type of ["desc", "mluc"]) profileName(profile(Buffer.concat([Buffer.from(type), bytes])));
      }),
    );
  });
});

describe("JPEG tables", () => {
  it("of any bytes throw nothing", () => {
    const start = fc.constantFrom("ffd8", "ffd8ffdb0043", "ffd8ffe00002ffdb00431", "ffd8ffdb00c310");
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, bytes) => {
        const quality = qualityOf(Buffer.concat([Buffer.from(head, "hex"), bytes]));
        assert.ok(quality === undefined || (quality >= 1 && quality <= 100), String(quality));
      }),
    );
  });
});
