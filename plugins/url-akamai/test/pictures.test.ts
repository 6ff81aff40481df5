import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, readPng, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { coordinates, distance, type Part, shown } from "../../../test/suites/support/coordinates.ts";
import { urlAkamai } from "../src/index.ts";

/** Size of the image that the URLs are about. */
const [WIDTH, HEIGHT] = [240, 160];

const all: Part = { left: 0, top: 0, right: 1, bottom: 1 };
const part = (left: number, top: number, width: number, height: number): Part => ({
  left: left / WIDTH,
  top: top / HEIGHT,
  right: (left + width) / WIDTH,
  bottom: (top + height) / HEIGHT,
});

/** Queries as the documentation writes them, the size that each gives, and the part of the image that it shows. */
const PICTURES: readonly (readonly [query: string, width: number, height: number, part?: Part])[] = [
  ["imwidth=120", 120, 80, all],
  ["imwidth=1000", 240, 160, all],
  ["imheight=40", 60, 40, all],
  ["imwidth=60&imdensity=1.5", 90, 60, all],
  ["im=Resize,width=300", 300, 200, all],
  ["im=Resize=(100,100)", 100, 67, all],
  ["im=Resize=(100,100),aspect=fill", 150, 100, all],
  ["im=Resize=(100,100),aspect=ignore", 100, 100, all],
  ["im=Resize,width=300,type=downsize", 240, 160, all],
  ["im=Scale,width=0.5,height=0.25", 120, 40, all],
  ["im=Crop,rect=(24,16,120,80)", 120, 80, part(24, 16, 120, 80)],
  ["im=Crop=(120,80)", 120, 80, part(60, 40, 120, 80)],
  ["im=Crop=(120,80),gravity=SouthEast", 120, 80, part(120, 80, 120, 80)],
  ["im=Crop,width=120,height=80,xPosition=24", 120, 80, part(24, 0, 120, 80)],
  ["im=Crop=(120,1000)", 120, 160, part(60, 0, 120, 160)],
  ["im=Crop=(300,80),allowExpansion", 300, 80],
  ["im=AspectCrop=(1,1)", 160, 160, part(40, 0, 160, 160)],
  ["im=AspectCrop=(1,1),xPosition=0.25", 160, 160, part(20, 0, 160, 160)],
  ["im=AspectCrop=(16,9),yPosition=1", 240, 135, part(0, 25, 240, 135)],
  ["im=AspectCrop=(270,270);Resize=(100,100)", 100, 100, part(40, 0, 160, 160)],
  ["im=Resize,width=120;AspectCrop=(1,1),xPosition=0", 80, 80, part(0, 0, 160, 160)],
  ["im=AspectCrop=(1,1);Grayscale;Blur=2&imwidth=50", 50, 50],
  ["im=FitAndFill=(90,90)", 90, 90],
  ["im=Mirror,horizontal", 240, 160, { left: 1, top: 0, right: 0, bottom: 1 }],
  ["im=Mirror,horizontal,vertical", 240, 160, { left: 1, top: 1, right: 0, bottom: 0 }],
  ["im=Rotate,degrees=90", 160, 240],
  ["im=Trim", 240, 160, all],
];

describe("url-akamai", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "a b.png": await coordinates(WIDTH, HEIGHT),
      "clear.png": await sharp({ create: { width: 20, height: 10, channels: 4, background: "#0000" } })
        .png()
        .toBuffer(),
    });
    server = await startServer({
      plugins: [urlAkamai(), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"], autoAvif: true } },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const ask = async (query: string, accept = "image/png", file = "a%20b.png") => {
    const answer = await server.ask(`/${file}?${query}`, { headers: { accept } });
    assert.equal(answer.status, 200, `${query}: ${answer.text}`);
    return answer;
  };

  it("gives its URLs the size and crop that the documentation names", async () => {
    for (const [query, width, height, wanted] of PICTURES) {
      const found = await shown((await ask(query)).body);
      assert.deepEqual([found.width, found.height], [width, height], query);
      if (wanted) {
        assert.ok(distance(found.part, wanted) < 0.03, `${query}: ${JSON.stringify([found.part, wanted])}`);
      }
    }
  });

  it("turns clockwise, and negotiates the format", async () => {
    const { body } = await ask("im=Rotate,degrees=90");
    const upright = await shown(await sharp(body).rotate(270).png().toBuffer());
    assert.ok(distance(upright.part, all) < 0.02, JSON.stringify(upright.part));
    for (const [accept, type] of [
      ["image/avif,image/webp,*/*", "image/avif"],
      ["image/webp,*/*", "image/webp"],
    ] as const) {
      assert.equal((await ask("imwidth=50", accept)).headers["content-type"], type);
    }
  });

  it("fills what is clear, and makes images translucent", async () => {
    const pixel = async (query: string, file: string) => {
      const { body } = await ask(query, "image/png", file);
      return readPng(await sharp(body).ensureAlpha().png({ palette: false }).toBuffer()).at(3, 3);
    };
    const [red, green, , alpha] = await pixel("im=BackgroundColor=00ff00", "clear.png");
    assert.ok(red < 5 && green > 250 && alpha === 255, `${red} ${green} ${alpha}`);
    assert.equal((await pixel("im=Opacity=0.5", "a%20b.png"))[3], 128);
    assert.equal((await pixel("im=Crop=(300,300),allowExpansion", "a%20b.png"))[3], 0);
  });

  it("refuses by name what this server cannot do", async () => {
    for (const query of [
      "im=Composite,image=(url=https://a.example/b.png)",
      "im=Resize,width=20;FaceCrop,width=10,height=10",
      "im=IfOrientation,portrait=$(Grayscale)",
      "im=HSL,hue=0.2",
      "impolicy=small",
      "imbypass=true",
    ]) {
      const { status, text } = await server.ask(`/a%20b.png?${query}`);
      const [, name = ""] =
        /(?:^|[=;])([A-Z][A-Za-z]+Crop|Composite|IfOrientation|HSL)/.exec(query) ??
        /^(\w+)/.exec(query) ??
        [];
      assert.equal(status, 403, query);
      assert.ok(text.includes("Not supported here") && text.includes(`(${name}`), text);
    }
  });
});
