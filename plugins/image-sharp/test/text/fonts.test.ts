import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { isMediaError, type Source } from "@mediatap/core";
import { Fonts, readFont } from "../../src/text/index.ts";
import { readFirst, writeFace } from "../../src/text/sfnt.ts";
import {
  amountOf,
  assertDiffer,
  assertSame,
  fontFile,
  LOBSTER,
  type MadeFont,
  makeCollection,
  makeFont,
  OPEN_SANS,
  pixelAt,
  textRenderer,
} from "./helpers.ts";

const run = promisify(execFile);

describe("fonts of texts", () => {
  const fonts = new Fonts();
  const render = textRenderer(fonts);
  let openSans: Buffer;
  let lobster: Buffer;
  let folder: string;

  before(async () => {
    [openSans, lobster] = await Promise.all([readFile(OPEN_SANS), readFile(LOBSTER)]);
    folder = await mkdtemp(join(tmpdir(), "mediatap-test-"));
  });
  after(async () => {
    await fonts.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Puts a generated font where its package would have it. */
  async function install(path: string, font: MadeFont): Promise<void> {
    const file = join(folder, "node_modules", path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, makeFont(openSans, font));
  }

  async function withFonts<T>(
    options: { folders?: string[]; base?: string },
    use: (render: ReturnType<typeof textRenderer>) => Promise<T>,
  ): Promise<T> {
    const others = new Fonts(options);
    try {
      return await use(textRenderer(others));
    } finally {
      await others.close();
    }
  }

  describe("by name", () => {
    it("are found however the name is written", async () => {
      const lobster = await render("Hägj", { font: "Lobster" });
      assertDiffer(lobster, await render("Hägj"));
      assertSame(await render("Hägj", { font: "lobster" }), lobster);
      const serif = await render("Hägj", { font: "PT_Serif" });
      for (const font of ["PT Serif", "pt-serif", "ptserif"])
        assertSame(await render("Hägj", { font }), serif);
      for (const font of ["Lato", "PT Mono"]) assertDiffer(await render("Hägj", { font }), serif);
    });

    it("are the default one where a family is not there", async () => {
      const plain = await render("Hägj");
      for (const font of ["Nonesuch", "Arial", "Sans", "Lobster 99", "a, Lobster", '" size="9', "", "../x"]) {
        assertSame(await render("Hägj", { font }), plain, font);
      }
    });

    it("have the styles that there are files for, and no others", async () => {
      const lobster = await render("Hägj", { font: "Lobster" });
      assertSame(await render("Hägj", { font: "Lobster", bold: true, italic: true }), lobster);
      const serif = await render("Hägj", { font: "PT Serif" });
      assertDiffer(await render("Hägj", { font: "PT Serif", bold: true }), serif);
    });

    it("have what they lack from others", async () => {
      const unknown = await render("\ufffd");
      for (const [script, one, other] of [
        ["Cyrillic", "Ж", "Щ"],
        ["Greek", "Ω", "Ψ"],
        ["Hebrew", "ש", "א"],
        ["Arabic", "ش", "ع"],
        ["Devanagari", "क", "म"],
        ["Thai", "ก", "ส"],
      ] as const) {
        const rendered = await render(one, { font: "Lobster", bold: true });
        assertDiffer(rendered, await render(other, { font: "Lobster", bold: true }), script);
        assertDiffer(rendered, unknown, script);
      }
      // Neither of the two has a sign of its own.
      assertSame(await render("\u{12345}"), unknown);
      assertSame(await render("\u{12346}"), unknown);
    });

    it("join, compose and reorder as their scripts do", async () => {
      const joined = await render("ببب");
      assert(joined.width < (await render("ب\u200cب\u200cب")).width);
      assertSame(await render("e\u0301"), await render("é"));
      // The vowel sign is written before the letter that it follows.
      assert((await render("कि")).width > (await render("क")).width);
      // A mark for which there is no sign is left out, not the letter.
      assertSame(await render("Z\u{1e8d0}"), await render("Z"));
    });
  });

  describe("as files", () => {
    it("are used", async () => {
      const named = await render("Hägj", { font: "Lobster" });
      assertSame(await render("Hägj", { font: lobster }), named);
      assertSame(await render("Hägj", { font: makeCollection(lobster) }), named);
      const serif = await readFile(fontFile("pt-serif", "700Bold/PTSerif_700Bold.ttf"));
      assertSame(
        await render("Hägj", { font: serif }),
        await render("Hägj", { font: "PT Serif", bold: true }),
      );
    });

    it("are made bolder and slanted, having no other styles", async () => {
      const plain = await render("Hägj", { font: lobster });
      const bold = await render("Hägj", { font: lobster, bold: true });
      assert(amountOf(bold) > amountOf(plain) * 1.1);
      assertDiffer(await render("Hägj", { font: lobster, italic: true }), plain);
    });

    it("have what they lack from others", async () => {
      const font = makeFont(openSans, { sign: "x", glyph: 50 });
      assertSame(await render("Hägj", { font }), await render("Hägj"));
      assertDiffer(await render("x", { font }), await render("x"));
    });

    it("change no other text, whatever they call themselves", async () => {
      const before = [
        await render("Hägj"),
        await render("你"),
        await render("Hägj", { font: "Lato" }),
      ] as const;
      for (const family of ["Open Sans", "Lato", "mediatap-x"]) {
        await render("Hägj", { font: writeFace(readFirst(lobster), family) });
        await render("你", { font: makeFont(openSans, { sign: "你", glyph: 50, family }) });
      }
      assertSame(await render("Hägj"), before[0]);
      assertSame(await render("你"), before[1]);
      assertSame(await render("Hägj", { font: "Lato" }), before[2]);
    });

    for (const [what, start, message] of [
      ["WOFF", "wOFF", /received WOFF$/],
      ["WOFF2", "wOF2", /received WOFF2$/],
      ["a picture", "\x89PNG", /received something else$/],
      ["nothing", "", /received something else$/],
    ] as const) {
      it(`are refused when they are ${what}`, async () => {
        const font = Buffer.concat([Buffer.from(start, "latin1"), Buffer.alloc(start ? 1000 : 0)]);
        await assert.rejects(render("a", { font }), { code: "EINVAL", status: 400, message });
      });
    }

    it("are refused by their first bytes, before the rest is read", async () => {
      const source = (start: string) =>
        ({
          peek: async () => Buffer.from(start, "latin1"),
          bytes: async (limit: number) => {
            assert.equal(limit, 32 * 1024 * 1024);
            return lobster;
          },
        }) as unknown as Source;
      await assert.rejects(readFont(source("wOF2")), { code: "EINVAL" });
      assert.equal(await readFont(source("OTTO")), lobster);
    });

    it("are refused when they lack what it takes to draw", async () => {
      const { flavor, tables } = readFirst(lobster);
      for (const tag of ["cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp"]) {
        const rest = new Map(tables);
        rest.delete(tag);
        const font = writeFace({ flavor, tables: rest }, "x");
        await assert.rejects(render("a", { font }), { code: "EINVAL", message: "The font is damaged" }, tag);
      }
      for (const length of [4, 11, 100, 1000, lobster.length - 1000]) {
        await assert.rejects(render("a", { font: lobster.subarray(0, length) }), { code: "EINVAL" });
      }
    });

    it("are used or refused, however they are damaged", async () => {
      let seed = 1;
      const random = (below: number) => {
        seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
        return (seed >>> 8) % below;
      };
      const others = new Fonts();
      const render = textRenderer(others);
      let refused = 0;
      for (let round = 0; round < 100; round++) {
        const font = Buffer.from(lobster);
        for (let byte = 0; byte < 20; byte++) {
          font[random(round % 2 ? 2000 : font.length)] = random(256);
        }
        await render("Hägj", { font }).catch((error) => {
          if (!isMediaError(error) || (error as { status?: number }).status !== 400) throw error;
          refused++;
        });
      }
      assert(refused > 10 && refused < 90, String(refused));
      await others.close();
    });

    it("whose letters are huge are measured before they are drawn", async () => {
      const wide = Buffer.alloc(readFirst(openSans).tables.get("hmtx")?.length ?? 0, 0x7f);
      const font = makeFont(openSans, { sign: "x", glyph: 50, tables: { hmtx: wide } });
      await assert.rejects(render("x".repeat(200), { font }), { code: "ELIMIT" });
    });
  });

  describe("that are installed", () => {
    it("draw Chinese characters and emoji, in the shapes and colours that are meant", async () => {
      await install("@embedpdf/fonts-sc/fonts/NotoSansHans-Regular.otf", { sign: "直", glyph: 40 });
      await install("@embedpdf/fonts-jp/fonts/NotoSansJP-Regular.otf", { sign: "直", glyph: 50 });
      await install("@expo-google-fonts/noto-color-emoji/400Regular/NotoColorEmoji_400Regular.ttf", {
        sign: "😀",
        glyph: 50,
        color: [255, 0, 0],
      });
      await withFonts({ base: folder }, async (render) => {
        const chinese = await render("直");
        assertDiffer(chinese, await render("\ufffd"));
        assertDiffer(chinese, await render("直", { font: "Noto Sans JP" }));
        // With a kana beside it, the character is Japanese: less its own mark, which is none here.
        const japanese = await render("直ア");
        const mark = await render("\ufffd");
        assert(Math.abs(amountOf(japanese) - amountOf(mark) - amountOf(chinese)) > 20);
        const emoji = await render("😀", { color: { r: 0, g: 0, b: 255, alpha: 0.4 }, bold: true });
        const ink = Array.from({ length: emoji.width * emoji.height }, (_, at) => pixelAt(emoji, at, 0));
        assert(ink.some(([r, , b, alpha]) => r === 255 && b === 0 && alpha === 102));
        assert(ink.every(([, , b, alpha]) => b === 0 || alpha === 0));
      });
    });

    it("in folders are known by the names that they call themselves", async () => {
      const fonts = join(folder, "fonts/deep");
      await mkdir(fonts, { recursive: true });
      await writeFile(
        join(fonts, "a.ttc"),
        makeCollection(makeFont(openSans, { sign: "直", glyph: 60, family: "House Font" })),
      );
      await writeFile(join(fonts, "b.ttf"), "no font");
      await withFonts({ folders: [join(folder, "fonts")] }, async (render) => {
        assertDiffer(await render("直", { font: "HouseFont" }), await render("\ufffd"));
        assertSame(await render("直"), await render("直", { font: "House Font" }));
      });
    });

    it("in missing folders fail at start", () => {
      assert.throws(() => new Fonts({ folders: [join(folder, "none")] }), { code: "ECONFIG" });
    });

    it("change the fingerprint", async () => {
      const plain = new Fonts();
      const more = new Fonts({ base: folder });
      const own = new Fonts({ folders: [join(folder, "fonts")] });
      assert.equal(plain.fingerprint(), fonts.fingerprint());
      assert.equal(new Set([plain, more, own].map((each) => each.fingerprint())).size, 3);
    });
  });

  /** Renders in a separate process. */
  async function child(env: Record<string, string>): Promise<string> {
    const script = join(import.meta.dirname, "child.ts");
    const { FONTCONFIG_FILE: _ours, ...rest } = process.env;
    const { stdout, stderr } = await run(process.execPath, ["--conditions=mediatap:source", script], {
      env: { ...rest, ...env },
    });
    assert.equal(stderr, "");
    return stdout.trim();
  }

  it("need a temporary folder, and the error names it", async () => {
    await assert.rejects(child({ TMPDIR: join(folder, "none") }), /EBUSY/);
  });

  it("render the same on a machine without fonts and without a folder for fontconfig's cache", async () => {
    const empty = join(folder, "fonts.conf");
    const directories = `<dir>${dirname(LOBSTER)}</dir><cachedir>/dev/null/cache</cachedir>`;
    await writeFile(empty, `<?xml version="1.0"?><fontconfig>${directories}</fontconfig>`);
    const [bare, usual] = await Promise.all([child({ FONTCONFIG_FILE: empty }), child({})]);
    assert.match(bare, /^[0-9a-f]{64}$/);
    assert.equal(bare, usual);
  });

  it("remove their files", async () => {
    const ours = () => readdir(dirname(process.env.FONTCONFIG_FILE as string));
    const before = await ours();
    await withFonts({}, async (render) => {
      await render("a", { font: lobster });
      assert.equal((await ours()).length, before.length + 1);
    });
    assert.deepEqual(await ours(), before);
  });
});
