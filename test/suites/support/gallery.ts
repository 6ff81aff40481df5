import { makeFolder, startServer, type TestServer } from "@mediatap/test";
import { presetMediatap } from "mediatap";
import sharp from "sharp";
import { BLUE, CLEAR, GREEN, plain, png, RED, WHITE } from "./looks.ts";
import { photo } from "./photos.ts";

export const KEY = "private_key";

/**
 * The usual server before a folder of pictures whose pixels tell what was done to them. `/closed` takes nothing that is
 * not signed with `KEY`.
 */
export async function openGallery(more: Record<string, Uint8Array | string> = {}): Promise<TestServer> {
  const folder = await makeFolder({ ...(await pictures()), ...more });
  const server = await startServer({
    presets: [presetMediatap()],
    origins: { files: { type: "FOLDER", path: folder.path } },
    endpoints: {
      default: { origins: ["files"] },
      closed: { origins: ["files"], privateKeys: [KEY], restrictUnsigned: "all" },
    },
    namedTransformations: { media_library_thumbnail: "tr:w-100,h-100,c-at_max" },
  });
  return {
    ...server,
    close: async () => {
      await server.close();
      await folder.close();
    },
  };
}

async function pictures() {
  const logo = await logoOf();
  const frames = await Promise.all([GREEN, BLUE, WHITE].map((colour) => png(40, 30, colour)));
  return {
    // Red and green above blue and white.
    "quarters.png": await quarters(),
    "photo.jpg": await photo(640, 865),
    "wide.jpg": await photo(1600, 1067),
    "white.png": await png(300, 200, WHITE),
    "red.png": await png(40, 20, RED),
    "dim.png": await plain(60, 40, [100, 100, 100])
      .composite([{ input: await png(30, 40, [150, 150, 150]) }])
      .removeAlpha()
      .png()
      .toBuffer(),
    "logo.png": logo,
    "folder/logo @1.png": logo,
    "folder/हिन्दी.png": logo,
    "logo.svg": `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 158 33"><rect width="158" height="33" fill="#f00"/></svg>`,
    "moving.gif": await sharp(frames, { join: { animated: true } })
      .gif({ delay: [200, 200, 200] })
      .toBuffer(),
    "exif.jpg": await sharp(await png(40, 20, RED))
      .withMetadata({ exif: { IFD0: { Copyright: "someone" } }, icc: "p3", density: 96 })
      .jpeg()
      .toBuffer(),
  };
}

async function quarters(): Promise<Buffer> {
  const parts = await Promise.all([GREEN, BLUE, WHITE].map((colour) => png(200, 150, colour)));
  const places = [
    { left: 200, top: 0 },
    { left: 0, top: 150 },
    { left: 200, top: 150 },
  ];
  return plain(400, 300, RED)
    .composite(parts.map((input, at) => ({ input, ...(places[at] as { left: number; top: number }) })))
    .removeAlpha()
    .png()
    .toBuffer();
}

/** A blue square of 40 px with 20 px of nothing around it. */
const logoOf = async () =>
  plain(80, 80, CLEAR)
    .composite([{ input: await png(40, 40, BLUE) }])
    .png()
    .toBuffer();
