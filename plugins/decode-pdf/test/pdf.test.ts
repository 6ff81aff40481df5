import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { LimitName } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import {
  type Answer,
  makePng,
  memoryStorage,
  readPng,
  startServer,
  type TestServer,
  witness,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { decodePdf } from "../src/index.ts";
import { makePdf, quarters, stream } from "./pdf.ts";

const WEBP = { accept: "image/webp,*/*" };
const RED = [255, 0, 0, 255];
const BLUE = [0, 0, 255, 255];
const WHITE = [255, 255, 255, 255];

describe("decode-pdf", () => {
  const files = new Map<string, Uint8Array>();
  const seen = witness();
  let server: TestServer;

  const start = (limits: Partial<Record<LimitName, number>> = {}) =>
    startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), decodePdf(), seen],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      limits,
    });

  const document = makePdf([
    { width: 200, height: 100, content: quarters(200, 100) },
    { width: 100, height: 200, content: "0 0 1 rg 0 0 100 200 re f" },
  ]);

  before(async () => {
    files.set("doc.pdf", document);
    server = await start();
  });
  after(() => server?.close());

  const typeOf = ({ headers }: Answer) => headers["content-type"];
  const codeOf = ({ headers }: Answer) => (headers["ik-error"] ?? "").split(" ")[0];

  async function picture(path: string, target = server) {
    const response = await target.ask(path);
    assert.equal(response.status, 200, response.text.slice(0, 200));
    return readPng(response.body);
  }

  it("is delivered unchanged if no picture is requested", async () => {
    for (const path of ["/doc.pdf", "/doc.pdf?v=2", "/tr:orig-true/doc.pdf", "/tr:orig-true,w-5/doc.pdf"]) {
      const response = await server.ask(path, { headers: WEBP });
      assert(response.body.equals(document), path);
      assert.equal(typeOf(response), "application/pdf");
    }
  });

  it("returns its first page, or the requested one", async () => {
    const first = await picture("/doc.pdf/ik-thumbnail.jpg?tr=f-png");
    assert.deepEqual([first.width, first.height, first.at(10, 10)], [200, 100, RED]);
    const second = await picture("/doc.pdf/ik-thumbnail.jpg?tr=pg-2,f-png");
    assert.deepEqual([second.width, second.height, second.at(10, 10)], [100, 200, BLUE]);
    const small = await picture("/tr:pg-2,w-50,f-png/doc.pdf");
    assert.deepEqual([small.width, small.height], [50, 100]);
    assert.equal(typeOf(await server.ask("/doc.pdf/ik-thumbnail.jpg")), "image/jpeg");
    assert.equal(typeOf(await server.ask("/tr:w-100/doc.pdf", { headers: WEBP })), "image/webp");
    assert.equal(typeOf(await server.ask("/tr:f-jpg/doc.pdf", { headers: WEBP })), "image/jpeg");
  });

  it("refuses missing pages, and several at once", async () => {
    const beyond = await server.ask("/tr:pg-3/doc.pdf");
    assert.deepEqual([beyond.status, codeOf(beyond)], [400, "EINVAL"]);
    const several = await server.ask("/tr:pg-1_2/doc.pdf");
    assert.deepEqual([several.status, codeOf(several)], [403, "EUNSUPPORTED"]);
  });

  it("is rendered at the requested size, not scaled afterwards", async () => {
    const { width, height, at } = await picture("/tr:w-2000,f-png/doc.pdf");
    assert.deepEqual([width, height], [2000, 1000]);
    // Scaled up tenfold, the edge in the middle would be some ten pixels wide.
    assert.deepEqual(at(997, 250), RED);
    assert.deepEqual(at(1003, 250), [0, 255, 0, 255]);
    const covered = await picture("/tr:w-1000,h-1000,fo-auto,f-png/doc.pdf");
    assert.deepEqual([covered.width, covered.height], [1000, 1000]);
    const cut = await picture("/tr:dn-720,f-png:w-400,h-400,cm-extract,x-800,y-300/doc.pdf");
    assert.deepEqual([cut.width, cut.height, cut.at(197, 50)], [400, 400, RED]);
  });

  it("is rendered at a resolution", async () => {
    const { width, height } = await picture("/tr:dn-144,f-png/doc.pdf");
    assert.deepEqual([width, height], [400, 200]);
    assert.equal(typeOf(await server.ask("/tr:dn-144/doc.pdf", { headers: WEBP })), "image/webp");
  });

  it("has text, in a built-in font if the file embeds none", async () => {
    files.set(
      "text.pdf",
      makePdf([{ width: 200, height: 100, content: "BT /F1 60 Tf 20 30 Td (Ml) Tj ET" }]),
    );
    const { at } = await picture("/tr:w-400,f-png/text.pdf");
    const dark = Array.from({ length: 400 }, (_, x) => at(x, 110)).filter(([red]) => (red ?? 255) < 60);
    assert(dark.length > 20 && dark.length < 300, `${dark.length} dark pixels in a row`);
  });

  it("shows what was filled into its form, and annotations", async () => {
    const look = stream("1 0 0 rg 0 0 80 40 re f", "/Type /XObject /Subtype /Form /BBox [0 0 80 40]");
    const field = (rectangle: string, more: string) =>
      `<< /Type /Annot ${more} /Rect [${rectangle}] /AP << /N 10002 0 R >> /F 4 >>`;
    const form = makePdf([{ width: 200, height: 100, more: "/Annots [10000 0 R 10001 0 R]" }], {
      objects: [
        field("10 10 90 50", "/Subtype /Widget /FT /Tx /T (name) /V (x)"),
        field("110 50 190 90", "/Subtype /Stamp"),
        look.toString("latin1"),
      ],
      catalog: "/AcroForm << /Fields [10000 0 R] >>",
    });
    files.set("form.pdf", form);
    const { at } = await picture("/tr:f-png/form.pdf/ik-thumbnail.jpg");
    assert.deepEqual([at(50, 70), at(150, 30), at(50, 30)], [RED, RED, WHITE]);
  });

  it("can be a layer", async () => {
    files.set(
      "base.png",
      makePng(200, 100, () => [0, 0, 0, 255]),
    );
    const { at } = await picture("/tr:f-png,l-image,i-doc.pdf,pg-2,w-50,lx-0,ly-0,l-end/base.png");
    assert.deepEqual([at(25, 50), at(150, 50)], [BLUE, [0, 0, 0, 255]]);
  });

  it("is refused if it needs a password; the file itself is delivered", async () => {
    const key = "<30313233343536373839303132333435363738393031323334353637383930>";
    const encrypt = `/Encrypt << /Filter /Standard /V 1 /R 2 /O ${key} /U ${key} /P -4 >> /ID [<00> <00>]`;
    const locked = makePdf([{ width: 20, height: 20 }], { trailer: encrypt });
    files.set("locked.pdf", locked);
    const response = await server.ask("/tr:w-10/locked.pdf");
    assert.equal(response.status, 403);
    assert.equal(response.headers["ik-error"], "EUNSUPPORTED - The PDF needs a password");
    assert((await server.ask("/locked.pdf")).body.equals(locked));
  });

  it("is reported as broken; the file itself is delivered, and explain reports no error for it", async () => {
    for (const [name, text] of [
      ["noise.pdf", `%PDF-1.7\n${"noise ".repeat(50)}`],
      ["empty.pdf", makePdf([]).toString("latin1")],
    ] as const) {
      files.set(name, Buffer.from(text, "latin1"));
      const response = await server.ask(`/tr:w-10/${name}`);
      assert.deepEqual([response.status, codeOf(response)], [400, "UNIDENTIFIED"], name);
      assert.doesNotMatch(response.text, /\/|wasm|Error/);
      assert.equal((await server.ask(`/${name}`)).text, text);
      const [exchange] = seen.exchanges;
      assert(exchange);
      const { errors, plan } = await server.server.runtime.pipeline.explain(exchange);
      assert.deepEqual([errors, plan], [[], "none"]);
    }
  });

  it("reads nothing outside of the file, and runs no script", async () => {
    const requestedUrls: string[] = [];
    const canary = createServer((request, response) => {
      requestedUrls.push(request.url ?? "");
      response.end();
    });
    await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/`;
    const image =
      "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceRGB /BitsPerComponent 8";
    const sly = makePdf(
      [
        {
          width: 100,
          height: 100,
          content: "q 100 0 0 100 0 0 cm /I1 Do /I2 Do Q",
          more: "/Resources << /XObject << /I1 10000 0 R /I2 10001 0 R >> >> /AA << /O 10002 0 R >>",
        },
      ],
      {
        objects: [
          stream("", `${image} /F << /FS /URL /F (${url}image) >>`).toString("latin1"),
          stream("", `${image} /F (/etc/passwd)`).toString("latin1"),
          `<< /S /JavaScript /JS (for \\(;;\\) app.launchURL\\('${url}script'\\);) >>`,
          `<< /S /URI /URI (${url}uri) >>`,
        ],
        catalog: "/OpenAction 10002 0 R /AA << /WC 10003 0 R >>",
      },
    );
    files.set("sly.pdf", sly);
    const { at } = await picture("/tr:w-50,f-png/sly.pdf");
    assert.equal(at(1, 1).length, 4);
    assert.deepEqual(requestedUrls, []);
    await new Promise((resolve) => canary.close(resolve));
  });

  it("is refused if it takes too long, and is stopped", async () => {
    // Ten million tiles.
    const tile = stream(
      "1 0 0 rg 0 0 5 5 re f",
      "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 5 5] /XStep 0.03 /YStep 0.03 /Resources << >>",
    );
    const more = "/Resources << /Pattern << /P 10000 0 R >> >>";
    const content = "/Pattern cs /P scn 0 0 100 100 re f";
    const tiles = makePdf([{ width: 100, height: 100, content, more }], {
      objects: [tile.toString("latin1")],
    });
    files.set("tiles.pdf", tiles);
    const strict = await start({ imageWork: 1_000 });
    const response = await strict.ask("/tr:w-50,f-png/tiles.pdf");
    assert.deepEqual(
      [response.status, response.headers["ik-error"]],
      [504, "ETIMEDOUT - The file took too long to decode"],
    );
    assert.equal(strict.server.runtime.scheduler.load().running, 0);
    await picture("/tr:w-50,f-png/doc.pdf");
    await strict.close();
  });

  it("is refused if it contains itself again and again", async () => {
    const objects = Array.from({ length: 12 }, (_, at) =>
      stream(
        at === 0 ? "0 0 100 100 re f" : `/X Do `.repeat(20),
        `/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources << /XObject << /X ${9_999 + at} 0 R >> >>`,
      ).toString("latin1"),
    );
    const more = "/Resources << /XObject << /X 10011 0 R >> >>";
    files.set("nested.pdf", makePdf([{ width: 100, height: 100, content: "/X Do", more }], { objects }));
    const strict = await start({ imageWork: 3_000 });
    const response = await strict.ask("/tr:w-50,f-png/nested.pdf");
    assert(["ELIMIT", "ETIMEDOUT"].includes(codeOf(response) ?? ""), codeOf(response));
    await picture("/tr:w-50,f-png/doc.pdf");
    await strict.close();
  });

  it("is refused when it takes too much memory", async () => {
    // A picture of 30,000 x 30,000 pixels that takes some KB.
    const zeros = Buffer.alloc((30_000 * 30_000) / 8);
    const image =
      "/Type /XObject /Subtype /Image /Width 30000 /Height 30000 /ColorSpace /DeviceGray /BitsPerComponent 1";
    const { deflateSync } = await import("node:zlib");
    const object = stream(deflateSync(zeros, { level: 9 }), `${image} /Filter /FlateDecode`);
    const content = "q 100 0 0 100 0 0 cm /I Do Q";
    const more = "/Resources << /XObject << /I 10000 0 R >> >>";
    const before = process.memoryUsage().rss;
    files.set(
      "large.pdf",
      makePdf([{ width: 100, height: 100, content, more }], { objects: [object.toString("latin1")] }),
    );
    const response = await server.ask("/tr:w-50,f-png/large.pdf");
    assert(
      response.status === 200 || (response.status >= 400 && response.status < 500),
      `${response.status}`,
    );
    assert(process.memoryUsage().rss - before < 1_500e6);
    await picture("/tr:w-50,f-png/doc.pdf");
  });

  it("is refused by the size that it would be rendered at", async () => {
    files.set("huge.pdf", makePdf([{ width: 14_000, height: 14_000, content: quarters(14_000, 14_000) }]));
    const { status, headers } = await server.ask("/tr:f-png/huge.pdf");
    assert.equal(status, 400);
    assert.match(headers["ik-error"] ?? "", /^ELIMIT /);
    const { at } = await picture("/tr:w-100,f-png/huge.pdf");
    assert.deepEqual(at(10, 10), RED);
  });
});
