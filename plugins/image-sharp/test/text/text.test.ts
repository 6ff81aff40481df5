import assert from "node:assert/strict";
import { isMediaError } from "@mediatap/core";
import fc from "fast-check";
import { Fonts } from "../../src/text/index.ts";
import { amountOf, assertDiffer, assertSame, inkOf, pixelAt, textRenderer, YELLOW } from "./helpers.ts";

const fonts = new Fonts();
const render = textRenderer(fonts);

const size = ({ width, height }: { width: number; height: number }) => [width, height];

describe("a text", () => {
  after(() => fonts.close());

  it("is as large as its ink, and grows with its size", async () => {
    const small = await render("Hägj");
    assert.deepEqual(inkOf(small), { left: 0, top: 0, right: small.width - 1, bottom: small.height - 1 });
    const large = await render("Hägj", { size: 80 });
    assert(Math.abs(large.height / small.height - 2) < 0.1);
    assert(Math.abs(large.width / small.width - 2) < 0.1);
  });

  it("has capitals of the height that the font gives them", async () => {
    // 1462 of 2048 units in Open Sans.
    assert.equal((await render("H", { size: 100 })).height, 72);
  });

  it("has padding on each side", async () => {
    const bare = await render("Hello");
    const padded = await render("Hello", { padding: [1, 20, 3, 40] });
    assert.deepEqual(size(padded), [bare.width + 60, bare.height + 4]);
    assert.deepEqual(inkOf(padded), {
      left: 40,
      top: 1,
      right: 39 + bare.width,
      bottom: bare.height,
    });
  });

  it("has its colour, opaque or not", async () => {
    const color = { r: 200, g: 100, b: 50, alpha: 1 };
    const opaque = await render("I", { color });
    const [x, y] = [opaque.width >> 1, opaque.height >> 1];
    assert.deepEqual(pixelAt(opaque, x, y), [200, 100, 50, 255]);
    const faint = await render("I", { color: { ...color, alpha: 0.4 } });
    assert.deepEqual(pixelAt(faint, x, y), [200, 100, 50, 102]);
    assert.deepEqual(size(faint), size(opaque));
  });

  it("is bold, italic, both, or struck through", async () => {
    const plain = await render("Hill");
    const bold = await render("Hill", { bold: true });
    const italic = await render("Hill", { italic: true });
    const both = await render("Hill", { bold: true, italic: true });
    const struck = await render("Hill", { strikethrough: true });
    assert(amountOf(bold) > amountOf(plain) * 1.3);
    assert(amountOf(both) > amountOf(italic) * 1.3);
    // Upright, the first column of an H is as dark as its last.
    const ends = (picture: typeof plain) => inkOf(picture, [picture.height - 2, picture.height]).left;
    assert.equal(ends(plain), 0);
    assert.notDeepEqual(size(italic), size(plain));
    assert.equal(ends(italic), 0);
    assert(inkOf(italic, [0, 2]).left > 3);
    const rows = Array.from({ length: struck.height }, (_, y) => y).filter((y) =>
      Array.from({ length: struck.width }, (_, x) => pixelAt(struck, x, y)[3]).every((alpha) => alpha),
    );
    assert(rows.length >= 1 && rows.length < 8);
  });

  it("is rendered to the edges of its letters", async () => {
    for (const letter of ["f", "j", "Q", "W", "Å", "/", "‘"]) {
      for (const style of [{}, { italic: true }, { font: "Lobster" }, { bold: true, size: 23.5 }]) {
        const alone = await render(letter, style);
        const among = await render(`|     ${letter}     |`, style);
        const clear = (x: number) =>
          Array.from({ length: among.height }, (_, y) => pixelAt(among, x, y)[3]).every(
            (alpha) => alpha === 0,
          );
        let [left, right] = [0, among.width - 1];
        while (!clear(left)) left++;
        while (clear(left)) left++;
        while (!clear(right)) right--;
        while (clear(right)) right--;
        assert.equal(right - left + 1, alone.width, `${letter} ${JSON.stringify(style)}`);
      }
    }
  });

  it("wraps at words in a width, and grows in height", async () => {
    const line = await render("one two three four");
    const wrapped = await render("one two three four", { width: 150 });
    assert(line.width > 300 && wrapped.width <= 150);
    assert(wrapped.height > line.height * 2);
    assertSame(wrapped, await render("one two\nthree\nfour"));
  });

  it("breaks a word that is longer than its width, and adds no hyphen", async () => {
    const line = await render("I".repeat(30));
    const wrapped = await render("I".repeat(30), { width: 100 });
    assert(wrapped.width <= 100);
    assert.equal(Math.round(amountOf(wrapped)), Math.round(amountOf(line)));
  });

  it("wraps at words where none is separated from the next", async () => {
    const { width } = await render("สวัสดีชาวโลก");
    assertSame(
      await render("สวัสดีชาวโลก", { width: width - 10, align: "left" }),
      await render("สวัสดีชาว\nโลก", { align: "left" }),
    );
  });

  it("has the lines that it is given, however they end", async () => {
    const lines = await render("one\ntwo\n\nthree");
    for (const text of ["one\r\ntwo\r\n\r\nthree", "one\rtwo\r\rthree", "one\u2028two\u2029\vthree"]) {
      assertSame(await render(text), lines);
    }
    assertSame(await render("a\tb"), await render("a b"));
  });

  it("has the given line height", async () => {
    const [near, far] = [await render("H\nH", { lineHeight: 50 }), await render("H\nH", { lineHeight: 120 })];
    assert.equal(far.height - near.height, 70);
    const one = await render("H");
    // Half of the gap lies above a line: its letters may begin in the middle of a pixel.
    assert((await render("H", { lineHeight: 120 })).height - one.height <= 1);
    assert((await render("H\nH", { lineHeight: 1 })).height < one.height * 2);
  });

  describe("on a background", () => {
    const style = { background: YELLOW, width: 400, padding: [5, 30, 10, 20] as const };

    it("is exactly as wide as its box", async () => {
      const { width, height } = await render("Hxj");
      const box = await render("Hxj", style);
      assert.deepEqual(size(box), [400, height + 15]);
      assert.deepEqual(pixelAt(box, 0, 0), [255, 255, 0, 255]);
      assert.deepEqual(pixelAt(box, 399, height + 14), [255, 255, 0, 255]);
      const natural = await render("Hxj", { background: YELLOW });
      assert.deepEqual(size(natural), [width, height]);
    });

    for (const [script, short, long] of [
      ["left to right", "abc", "abc def ghi jkl"],
      ["right to left", "שלום", "שלום עולם שלום"],
      ["joined letters", "سلام", "سلام سلام سلام سلام"],
    ] as const) {
      it(`aligns its lines to the given side: ${script}`, async () => {
        for (const text of [short, `${long}\n${short}`]) {
          const left = await render(text, { ...style, align: "left" });
          const right = await render(text, { ...style, align: "right" });
          const center = await render(text, { ...style, align: "center" });
          const last = (picture: typeof left) => inkOf(picture, [picture.height - 30, picture.height]);
          assert(Math.abs(last(left).left - 20) <= 4, JSON.stringify(last(left)));
          assert(last(left).right < 200);
          assert(Math.abs(last(right).right - 369) <= 4, JSON.stringify(last(right)));
          assert(last(right).left > 200);
          const { left: from, right: to } = last(center);
          assert(Math.abs((from + to) / 2 - 195) <= 4);
        }
      });
    }

    it("shows it through where that is not opaque", async () => {
      const box = await render("H", { background: { ...YELLOW, alpha: 0.5 }, padding: [2, 2, 2, 2] });
      assert.deepEqual(pixelAt(box, 0, 0), [255, 255, 0, 128]);
      assert.equal(pixelAt(box, 4, box.height >> 1)[3], 255);
    });

    it("keeps its width where a letter is wider", async () => {
      const box = await render("W", { background: YELLOW, width: 10, align: "center" });
      assert.equal(box.width, 10);
      assert(inkOf(box).right > 0);
    });
  });

  it("of which nothing can be seen is clear", async () => {
    for (const text of ["", " ", "\n \n", "\u200b", "\u00ad", "\u0000\u0007"]) {
      const { data, width, height } = await render(text);
      assert.deepEqual([width, height, [...data]], [1, 1, [0, 0, 0, 0]], JSON.stringify(text));
    }
    const box = await render(" ", { background: YELLOW, width: 30, padding: [4, 4, 4, 4] });
    assert.deepEqual([...size(box), ...pixelAt(box, 15, 4)], [30, 8, 255, 255, 0, 255]);
  });

  it("is rendered unchanged, with nothing parsed as markup", async () => {
    const plain = await render("bxb");
    const tags = await render("<b>x</b>");
    assert(tags.width > plain.width * 1.5);
    assert((await render("&lt;")).width > (await render("<")).width * 2);
    // As if its parts were joined: brackets are there as ink.
    assert(amountOf(tags) > amountOf(await render("bx/b")) + amountOf(await render("<>")));
    for (const text of ['"/><span size="999999">', "]]><b>", "</span></span>x", "<!-- x", "<?x?>", "&#0;"]) {
      const { width, height } = await render(text);
      assert(width > 20 && width < 600 && height < 60, text);
    }
  });

  it("is rendered or refused, whatever it is; and the same each time", async () => {
    const style = {
      size: fc.integer({ min: 1, max: 60 }),
      bold: fc.boolean(),
      italic: fc.boolean(),
      align: fc.constantFrom("left" as const, "center" as const, "right" as const),
    };
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc
        .array(fc.constantFrom("<b>", "</b>", "&", "&#x;", '"', "\u202e", "\u2066", "\u2069", "ا", "न", "\n"))
        .map((stages) => stages.join("")),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
    );
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.record(style),
        fc.option(fc.integer({ min: 1, max: 200 })),
        async (...args) => {
          const [text, style, width] = args;
          const request = { ...style, ...(width !== null && { width }) };
          try {
            const first = await render(text, request);
            assert.equal(first.data.length, first.width * first.height * 4);
            assertSame(await render(text, request), first);
          } catch (error) {
            if (!isMediaError(error)) throw error;
            assert.equal((error as { status?: number }).status, 400);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("is cut after 2500 characters", async () => {
    const text = "abcdefghi ".repeat(300);
    const style = { size: 8, width: 800 };
    assertSame(await render(text, style), await render(text.slice(0, 2500), style));
    assertDiffer(await render(text, style), await render(text.slice(0, 2000), style));
  });

  describe("that is too large", () => {
    for (const [what, text, style] of [
      ["wide", "W".repeat(500), {}],
      ["high", "W\n".repeat(500), {}],
      ["padded", "W", { padding: [0, 16_000, 0, 1_000] as const }],
      ["much", "W".repeat(2500), { size: 16_000 }],
      ["tall letter", "W", { size: 16_000 }],
      ["large area", "W ".repeat(100), { size: 1_500, width: 16_000 }],
      ["wide box", "W", { width: 16_384 }],
      ["long gap", "W\nW", { lineHeight: 20_000 }],
      ["accents", `a${"\u0301".repeat(2400)}`, { size: 100 }],
    ] as const) {
      it(`is refused: ${what}`, async () => {
        await assert.rejects(render(text, style), { code: "ELIMIT", status: 400 });
      });
    }

    it("is refused by the limits of a result", async () => {
      const small = textRenderer(fonts, { outputSide: 60 });
      assert((await small("ab")).width <= 60);
      await assert.rejects(small("abcdef"), { code: "ELIMIT" });
      await assert.rejects(textRenderer(fonts, { outputMegapixels: 0.001 })("abcdef"), { code: "ELIMIT" });
    });
  });

  for (const [what, style] of [
    ["a size of 0", { size: 0 }],
    ["a size that is no number", { size: Number.NaN }],
    ["no size at all", { size: Number.POSITIVE_INFINITY * 0 }],
    ["a width of 0", { width: 0 }],
    ["a negative padding", { padding: [0, -1, 0, 0] as const }],
    ["padding that fills the width", { width: 40, padding: [0, 20, 0, 20] as const }],
    ["a line height of 0", { lineHeight: 0 }],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      await assert.rejects(render("a", style), { code: "EINVAL", status: 400 });
    });
  }
});
