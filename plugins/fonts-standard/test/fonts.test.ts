import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ALIASES, DEFAULT_FAMILY, familyKey, findFamilies } from "../src/index.ts";

const readme = await readFile(join(import.meta.dirname, "../README.md"), "utf8");

/** The families that ImageKit's documentation names. */
const IMAGEKIT =
  "AbrilFatFace, Amaranth, Arvo, Audiowide, Chivo, Crimson Text, exo, Fredoka One, Gravitas One, Kanit, Lato, Lobster, Lora, Monoton, Montserrat, PT Mono, PT_Serif, Open Sans, Roboto, Old Standard, Ubuntu, Vollkorn".split(
    ", ",
  );

describe("fonts-standard", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mediatap-test-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function install(...files: string[]): Promise<void> {
    for (const file of files) {
      const path = join(folder, "node_modules", file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "");
    }
  }

  const find = (key: string, base = folder) => findFamilies(base).find((family) => family.key === key);

  it("has a default family in four styles, and one each for further scripts", async () => {
    const family = find(DEFAULT_FAMILY);
    assert(family?.bold && family.italic && family.boldItalic);
    const files = [family.regular, family.bold, family.italic, family.boldItalic];
    assert.equal(new Set(files).size, 4);
    for (const file of files) {
      // A TrueType font by its first bytes.
      assert.equal((await readFile(file)).readUInt32BE(0), 0x00010000);
    }
    assert.match(family.version, /^\d+\.\d+\.\d+$/);
    for (const key of ["notonaskharabic", "notosansdevanagari", "notosansthai"]) {
      assert.equal(find(key)?.covers, "script", key);
      assert(find(key)?.bold, key);
    }
  });

  it("has what its README lists, and names a package for each family of ImageKit's", async () => {
    const { dependencies } = JSON.parse(await readFile(join(import.meta.dirname, "../package.json"), "utf8"));
    const rows = [...readme.matchAll(/^\| ([^|]+?) +\| `(@[^`]+)` +\| +[\d.]+ MB \| (yes|) *\|$/gm)].map(
      ([, family = "", name = "", brought]) => ({ family, name, brought: brought === "yes" }),
    );
    assert.deepEqual(
      rows
        .filter(({ brought }) => brought)
        .map(({ name }) => name)
        .sort(),
      Object.keys(dependencies).sort(),
    );
    for (const family of IMAGEKIT) {
      const key = familyKey(family);
      const row = rows.find(({ name }) => {
        const own = familyKey(name.slice(name.indexOf("/")));
        return own === key || own === ALIASES[key];
      });
      assert(row, family);
    }
    for (const { name, brought } of rows) {
      if (brought)
        assert(
          findFamilies(folder).some(({ regular }) => regular.includes(`${name}/`)),
          name,
        );
    }
  });

  it("finds what a program has installed, by any name", async () => {
    await install(
      "@expo-google-fonts/playfair-display/400Regular/PlayfairDisplay_400Regular.ttf",
      "@expo-google-fonts/playfair-display/400Regular_Italic/PlayfairDisplay_400Regular_Italic.ttf",
      "@expo-google-fonts/playfair-display/900Black/PlayfairDisplay_900Black.ttf",
      "@expo-google-fonts/old-standard-tt/OldStandardTT_400Regular.ttf",
      "@expo-google-fonts/old-standard-tt/OldStandardTT_700Bold.ttf",
      "@expo-google-fonts/nothing/README.md",
    );
    const playfair = find(familyKey("Playfair_Display"));
    assert.match(playfair?.regular ?? "", /PlayfairDisplay_400Regular\.ttf$/);
    assert.match(playfair?.italic ?? "", /400Regular_Italic\.ttf$/);
    assert.deepEqual(
      [playfair?.bold, playfair?.boldItalic, playfair?.covers],
      [undefined, undefined, undefined],
    );
    assert.match(
      find(ALIASES[familyKey("Old Standard")] as string)?.bold ?? "",
      /OldStandardTT_700Bold\.ttf$/,
    );
    assert.equal(find("nothing"), undefined);
    assert.equal(find("playfairdisplay", tmpdir()), undefined);
  });

  it("tries scripts first, Chinese characters after them and emoji last", async () => {
    await install(
      "@expo-google-fonts/noto-emoji/400Regular/NotoEmoji_400Regular.ttf",
      "@expo-google-fonts/noto-color-emoji/400Regular/NotoColorEmoji_400Regular.ttf",
      "@expo-google-fonts/noto-serif-jp/400Regular/NotoSerifJP_400Regular.ttf",
      "@expo-google-fonts/noto-serif-georgian/400Regular/NotoSerifGeorgian_400Regular.ttf",
      "@expo-google-fonts/noto-sans-tamil/400Regular/NotoSansTamil_400Regular.ttf",
      "@embedpdf/fonts-sc/fonts/NotoSansHans-Regular.otf",
      "@embedpdf/fonts-sc/fonts/NotoSansHans-Light.otf",
      "@embedpdf/models/dist/index.js",
    );
    const expected = [
      ["notosanstamil", "script"],
      ["notoserifgeorgian", "script"],
      ["notosanssc", "zh"],
      ["notoserifjp", "ja"],
      ["notocoloremoji", "emoji"],
      ["notoemoji", "emoji"],
    ];
    const keys = expected.map(([key]) => key);
    const found = findFamilies(folder).filter(({ key }) => keys.includes(key));
    assert.deepEqual(
      found.map(({ key, covers }) => [key, covers]),
      expected,
    );
  });
});
