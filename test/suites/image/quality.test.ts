import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { noise, photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

interface Luma {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function luma(bytes: Uint8Array): Promise<Luma> {
  const { data, info } = await sharp(bytes)
    .flatten({ background: "#808080" })
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Mean structural similarity, as its definition says: windows of 8x8, every fourth pixel, nothing clever. */
function similarity(a: Luma, b: Luma): number {
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  const scores: number[] = [];
  for (let top = 0; top + 8 <= a.height - (a.height % 4); top += 4) {
    for (let left = 0; left + 8 <= a.width - (a.width % 4); left += 4) {
      const samples = Array.from({ length: 64 }, (_, at) => (top + (at >> 3)) * a.width + left + (at & 7));
      const [p, q] = [a, b].map(({ data }) => samples.map((at) => data[at] as number)) as [
        number[],
        number[],
      ];
      const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const [mp, mq] = [mean(p), mean(q)];
      const moment = (x: number[], mx: number, y: number[], my: number) =>
        x.reduce((sum, value, at) => sum + (value - mx) * ((y[at] as number) - my), 0) / 63;
      scores.push(
        ((2 * mp * mq + c1) * (2 * moment(p, mp, q, mq) + c2)) /
          ((mp ** 2 + mq ** 2 + c1) * (moment(p, mp, p, mp) + moment(q, mq, q, mq) + c2)),
      );
    }
  }
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

const FORMATS = ["jpg", "webp", "avif"] as const;

describe("quality that is looked for", () => {
  let folder: TestFolder;
  let server: TestServer;
  const config = (path: string) => ({
    plugins: usual(),
    origins: { files: { type: "FOLDER", path } },
    endpoints: {
      default: { origins: ["files"] },
      auto: { origins: ["files"], quality: "auto" as const },
    },
  });
  before(async () => {
    const clear = await sharp(await photo(200, 160))
      .ensureAlpha(0.5)
      .png()
      .toBuffer();
    folder = await makeFolder({
      "easy.png": await photo(400, 300, "png"),
      // Fine lines everywhere.
      "hard.png": await sharp(await noise(400, 300))
        .blur(0.6)
        .png()
        .toBuffer(),
      "clear.png": clear,
      "tiny.png": await photo(5, 5, "png"),
    });
    server = await startServer(config(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const made = async (path: string) => {
    const answer = await server.ask(path);
    assert.equal(answer.status, 200, `${path}: ${answer.headers["ik-error"]}`);
    return answer.body;
  };
  const score = async (chain: string, file: string) => {
    const [wanted, got] = [await made(`/tr:${chain},f-png/${file}`), await made(`/auto/tr:${chain}/${file}`)];
    return similarity(await luma(wanted), await luma(got));
  };

  for (const format of FORMATS) {
    it(`looks as it should with fewer bytes than the usual quality, where the picture is easy: ${format}`, async () => {
      const chain = `w-300,f-${format}`;
      const [auto, fixed] = [await made(`/auto/tr:${chain}/easy.png`), await made(`/tr:${chain}/easy.png`)];
      assert(auto.length < fixed.length, `${auto.length} of ${fixed.length}`);
      assert((await score(chain, "easy.png")) >= 0.96);
    });

    it(`never takes more than the usual quality, and hardly less where a picture is hard: ${format}`, async () => {
      const chain = `w-300,f-${format}`;
      const [auto, fixed] = [await made(`/auto/tr:${chain}/hard.png`), await made(`/tr:${chain}/hard.png`)];
      assert(auto.length <= fixed.length, `${auto.length} of ${fixed.length}`);
      const usual = similarity(await luma(await made("/tr:w-300,f-png/hard.png")), await luma(fixed));
      const found = await score(chain, "hard.png");
      assert(found >= Math.min(0.96, usual - 0.01), `${found} of ${usual}`);
    });
  }

  it("looks at what is seen of clear pictures, in pictures of all sizes", async () => {
    assert((await score("w-100,f-webp", "clear.png")) >= 0.96);
    assert((await score("w-399,h-301,c-force,f-webp", "easy.png")) >= 0.96);
    assert((await made("/auto/tr:f-webp/tiny.png")).length > 0);
    assert((await made("/auto/tr:w-1,h-1,c-force,f-jpg/easy.png")).length > 0);
  });

  it("finds the same each time", async () => {
    const again = await startServer(config(folder.path));
    try {
      for (const format of FORMATS) {
        const path = `/auto/tr:w-350,f-${format}/easy.png`;
        const [one, other] = [await server.ask(path), await again.ask(path)];
        assert(one.body.equals(other.body));
        assert.equal(one.headers.etag, other.headers.etag);
      }
    } finally {
      await again.close();
    }
  });

  it("leaves alone what names its quality, and what has none", async () => {
    for (const chain of ["w-200,f-webp,q-80", "w-200,f-png", "w-200,f-webp,lo-true"]) {
      assert((await made(`/auto/tr:${chain}/easy.png`)).equals(await made(`/tr:${chain}/easy.png`)), chain);
    }
  });

  it("has no other words", async () => {
    const wrong = { ...config(folder.path), quality: "best" as never };
    await assert.rejects(startServer(wrong), /quality/);
    assert.equal((await server.ask("/tr:w-10,q-auto/easy.png")).status, 400);
  });
});
