import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { type Exchange, isMediaError, type Job } from "@mediatap/core";
import { echoEngine, memoryStorage, startServer, witness } from "@mediatap/test";
import fc from "fast-check";
import { urlImgproxy } from "../src/index.ts";

const side = fc.integer({ min: 0, max: 900 });
const option = (name: string, ...args: readonly fc.Arbitrary<string | number>[]) =>
  fc.tuple(...args).map((values) => [name, ...values].join(":"));
const word = (...words: readonly string[]) => fc.constantFrom(...words);

const gravity = word("ce", "no", "so", "ea", "we", "noea", "nowe", "soea", "sowe");

/** Options that have words for all that they mean. */
const OPTIONS = fc.uniqueArray(
  fc.oneof(
    option("rs", word("fit", "fill", "fill-down", "force", "auto"), side, side, word("0", "1")),
    option("w", side),
    option("h", side),
    option("el", word("0", "1")),
    option("z", word("0.5", "2")),
    option("g", fc.oneof(gravity, word("sm", "obj:face"))),
    option("c", side, side, gravity),
    option("c", word("0.25", "0.5"), side),
    option("ex", word("0", "1"), gravity),
    option("pd", side, side, side, side),
    option("rot", word("0", "90", "180", "270")),
    option("fl", word("0", "1"), word("0", "1")),
    option("t", word("1", "10")),
    option("bg", word("ff0000", "00f")),
    option("bga", word("0.5", "1")),
    option("bl", word("0.5", "3")),
    option("sh", word("0.5", "2")),
    option("sa", word("0", "1")),
    option("q", fc.integer({ min: 0, max: 100 })),
    option("f", word("jpg", "png", "webp", "avif", "best")),
    option("sm", word("0", "1")),
    option("scp", word("0", "1")),
    option("dpi", word("72", "300")),
    option("pg", fc.nat(9)),
    option("cb", word("1", "a%20b")),
    option("att", word("0", "1")),
    option("fn", word("a", "a%20b")),
    option("raw", word("0", "1")),
  ),
  { selector: (text) => text.split(":")[0], maxLength: 6 },
);

const SOURCE = word(
  "plain/local:///a.jpg",
  "plain/b/a%2520b%2540c.jpg@webp",
  "plain/100%2525.png",
  Buffer.from("local:///%E4%BD%A0%3F%23.jpg").toString("base64url"),
);

describe("url-imgproxy: the URL of a job", () => {
  for (const sourceKey of [undefined, "00".repeat(16)]) {
    it(`asks for the same as the URL that the job comes from${sourceKey ? ", with an encrypted source" : ""}`, async () => {
      const seen = witness();
      const server = await startServer({
        plugins: [
          urlImgproxy(sourceKey === undefined ? {} : { sourceKey }),
          memoryStorage(Buffer.from("a file")),
          echoEngine(),
          seen,
        ],
        origins: { files: { type: "MEMORY" } },
        endpoints: {
          default: { origins: ["files"], ...(sourceKey !== undefined && { privateKey: "a key" }) },
        },
      });
      let [printed, refused] = [0, 0];
      const exchangeOf = async (url: string) => {
        const { status, text } = await server.ask(url);
        assert.equal(status, 200, `${url}: ${text}`);
        return seen.exchanges[0] as Exchange;
      };
      const property = fc.asyncProperty(OPTIONS, SOURCE, async (options, source) => {
        const path = [...options, source].join("/");
        const signature = createHmac("sha256", "a key").update(`/${path}`).digest("base64url");
        const url = `/${sourceKey === undefined ? "unsafe" : signature}/${path}`;
        const exchange = await exchangeOf(url);
        const job = exchange.job as Job;
        let link: string | undefined;
        try {
          link = await server.server.runtime.hooks.link.for("url-imgproxy").promise(job, exchange);
        } catch (error) {
          assert.ok(isMediaError(error) && error.code === "EUNSUPPORTED", String(error));
          refused++;
          return;
        }
        printed++;
        const found = await exchangeOf(link as string);
        assert.equal(found.key, exchange.key, `${url} → ${link}`);
        const isUnnamed = sourceKey !== undefined && job.delivery.attachment === true;
        const delivery = isUnnamed ? { ...job.delivery, attachment: "file" } : job.delivery;
        assert.deepEqual(found.job?.delivery, delivery, `${url} → ${link}`);
        assert.equal(link?.includes("/enc/"), sourceKey !== undefined, link);
      });
      try {
        await fc.assert(property, { numRuns: 200 });
      } finally {
        await server.close();
      }
      assert.ok(printed > 9 * refused, `${printed} URLs printed, ${refused} not`);
    });
  }
});
