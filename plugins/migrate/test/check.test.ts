import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, runInProcess, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlIpx } from "@mediatap/url-ipx";
import sharp from "sharp";
import { type Ipx, startIpx, withIpx } from "../../url-ipx/test/ipx.ts";

const MEDIA = join(import.meta.dirname, "../../../examples/start/media");

/** 100 URLs of two photographs. */
const URLS = ["dogs.jpg", "fig.jpg"].flatMap((file) =>
  Array.from({ length: 50 }, (_, at) => {
    const size = 20 + at * 4;
    const more = ["", ",f_webp", `,h_${size}`, ",fit_inside", ",q_70"][at % 5];
    return `/_ipx/w_${size}${more}/${file}`;
  }),
);

interface Report {
  readonly results: readonly {
    readonly url: string;
    readonly verdict: string;
    readonly message?: string;
    readonly comparison?: {
      readonly differences: readonly string[];
      readonly notes: readonly string[];
      readonly ssim?: number;
      readonly ssimulacra2?: number;
    };
  }[];
}

describe("mediatap migrate check", function () {
  this.timeout(180_000);
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({});
    for (const name of ["dogs.jpg", "fig.jpg"]) {
      await sharp(join(MEDIA, name)).resize(400).jpeg({ quality: 95 }).toFile(join(folder.path, name));
    }
    await cp(join(MEDIA, "logo.svg"), join(folder.path, "logo.svg"));
    const config = {
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
    };
    const plugins = ["url-ipx", "storage-fs", "image-sharp", "migrate"];
    const log = { level: "silent" };
    await writeFile(join(folder.path, "mediatap.config.json"), JSON.stringify({ ...config, plugins, log }));
    server = await startServer({ ...config, plugins: [urlIpx(), storageFs(), imageSharp()] });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  /** Runs the command; its results as it wrote them to a file. */
  async function checked(from: string, urls: readonly string[], ...more: string[]) {
    const [list, json] = [join(folder.path, "urls.txt"), join(folder.path, "report.json")];
    await writeFile(list, urls.join("\n"));
    const to = `http://127.0.0.1:${server.port}`;
    const flags = ["--from", from, "--to", to, "--urls", list, "--json", json];
    const ran = await runInProcess(["migrate", "check", ...flags, ...more], folder.path);
    const { results } = JSON.parse(await readFile(json, "utf8")) as Report;
    return { ...ran, results };
  }

  withIpx(() => {
    describe("of a running IPX", () => {
      let ipx: Ipx;
      before(async () => {
        ipx = await startIpx(folder.path);
      });
      after(() => ipx?.close());

      it("finds at least 98 of 100 URLs equal", async () => {
        // IPX itself serves at the root; Nuxt mounts it there.
        const front = createServer(async (request, response) => {
          const { status, headers, body } = await ipx.ask((request.url ?? "").replace("/_ipx", ""), {
            accept: request.headers.accept ?? "",
          });
          response.writeHead(status, { "content-type": headers["content-type"] }).end(body);
        });
        await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
        try {
          const { port } = front.address() as AddressInfo;
          const { results, out } = await checked(`http://127.0.0.1:${port}`, URLS);
          assert.equal(results.length, 100);
          const equal = results.filter(({ verdict }) => verdict === "equal");
          assert.ok(equal.length >= 98, out);
          assert.ok(results.every(({ comparison }) => (comparison?.ssim ?? 0) > 0.9));
          assert.match(out, /languages: \["url-ipx"\]/);
        } finally {
          front.close();
        }
      });
    });
  });

  describe("of a service that does some things otherwise", () => {
    let port: number;
    const old = createServer(async (request, response) => {
      const [, , modifiers = "", file = ""] = (request.url ?? "").split("/");
      const size = Number(/w_(\d+)/.exec(modifiers)?.[1] ?? 100);
      const source = sharp(join(folder.path, file));
      const respond = (type: string, body: Buffer) =>
        response
          .writeHead(200, { "content-type": type, etag: '"1"', "content-disposition": "inline" })
          .end(body);
      if (modifiers.includes("w_61")) respond("image/jpeg", await source.resize(60).jpeg().toBuffer());
      else if (modifiers.includes("w_63")) respond("image/png", await source.resize(size).png().toBuffer());
      else if (modifiers.includes("w_65"))
        respond("image/jpeg", await source.resize(size).negate().jpeg().toBuffer());
      else if (modifiers.includes("w_71"))
        respond("image/jpeg", await source.resize(size).greyscale().jpeg().toBuffer());
      else if (modifiers.includes("w_67")) response.writeHead(404).end();
      else if (modifiers.includes("w_69")) request.socket.destroy();
      else respond("image/jpeg", await source.resize(size).jpeg({ quality: 80 }).toBuffer());
    });
    before(async () => {
      await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
      ({ port } = old.address() as AddressInfo);
    });
    after(() => old.close());

    it("names each difference, with a report that has the pictures", async () => {
      const html = join(folder.path, "report.html");
      const urls = [61, 63, 65, 67, 69, 80, 71].map((width) => `/_ipx/w_${width}/dogs.jpg`);
      const others = ["/_ipx/sepia_1/dogs.jpg", "/_ipx/negate/dogs.jpg", "/else/<b>.jpg"];
      const { code, out, results } = await checked(
        `http://127.0.0.1:${port}`,
        [...urls, ...others],
        "--html",
        html,
        "--ssimulacra2",
      );
      assert.equal(code, 1);
      const found = results.map(({ verdict, message, comparison }) =>
        [verdict, message?.replace(/^[\d.:]+/, "host"), ...(comparison?.differences ?? [])].filter(Boolean),
      );
      assert.match(String(found[0]), /^different,61 × \d+ instead of 60 × \d+ pixels$/);
      assert.deepEqual(found[1], ["different", "image/jpeg instead of image/png"]);
      assert.match(String(found[2]), /^different,similarity -?0\.\d{3},colours \d+\.\d of 255 apart$/);
      assert.deepEqual(found[3], ["different", "status 200 instead of 404"]);
      assert.equal(found[4]?.[0], "failed");
      assert.deepEqual(found[5], ["equal"]);
      assert.match(String(found[6]), /^different,colours \d+\.\d of 255 apart$/);
      assert.equal(found[7]?.[0], "refused");
      assert.match(String(found[7]?.[1]), /sepia/);
      assert.match(String(found[8]), /^refused,.*negate/);
      assert.equal(found[9]?.[0], "unknown");
      const scores = results.map(({ comparison }) => comparison?.ssimulacra2);
      assert.ok((scores[5] ?? 0) > 50 && (scores[2] ?? 100) < 0, String(scores));
      assert.deepEqual([scores[0], scores[3]], [undefined, undefined]);
      assert.deepEqual(results[5]?.comparison?.notes, ["no content-disposition"]);
      assert.match(out, /different\s+the responses differ/);

      const page = await readFile(html, "utf8");
      assert.match(page, /similarity 0\.\d{3}, SSIMULACRA 2 \d+\.\d/);
      assert.doesNotMatch(page, /<b>|src="http|href="http/);
      const pictures = [...page.matchAll(/src="data:image\/webp;base64,([^"]+)"/g)];
      assert.ok(pictures.length >= 8);
      for (const [, data = ""] of pictures) {
        assert.equal((await sharp(Buffer.from(data, "base64")).metadata()).format, "webp");
      }
    });

    it("refuses wrong options by name", async () => {
      for (const [flags, message] of [
        [["--sample", "0"], "Expected positive integer for --sample but received '0'"],
        [["--ssim", "2"], "Expected number between 0 and 1 for --ssim but received '2'"],
        [["--from", "ftp://x"], "Expected http or https URL for --from but received 'ftp://x'"],
        [["--urls", "missing.txt"], "missing.txt: cannot be read (ENOENT)"],
      ] as const) {
        const usual = ["--from", `http://127.0.0.1:${port}`, "--urls", "urls.txt"];
        const { code, all } = await runInProcess(["migrate", "check", ...usual, ...flags], folder.path);
        assert.equal(code, 1, all);
        assert.ok(all.includes(message), all);
      }
    });
  });
});
