import assert from "node:assert/strict";
import {
  type Answer,
  passTime,
  resetTime,
  startOrigin,
  startServer,
  stopTime,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { photo, seen } from "../support/photos.ts";
import { type TestCache, testCache, webConfig } from "../support/plugins.ts";

const DAY = 24 * 60 * 60;

const PATH = "/tr:w-50,f-png/photo.jpg";
const control = ({ headers }: Answer) => headers["cache-control"] ?? "";
const cacheStatus = ({ headers }: Answer) => headers["cache-status"] ?? "";
const ttl = (answer: Answer) => Number(/; ttl=(-?\d+)/.exec(cacheStatus(answer))?.[1]);

describe("freshness", () => {
  let origin: WebOrigin;
  let cache: TestCache;
  let server: TestServer;
  let picture: Buffer;
  beforeEach(async () => {
    picture = await photo(120, 80);
    origin = await startOrigin({ "photo.jpg": picture });
    cache = testCache();
    stopTime();
  });
  afterEach(async () => {
    resetTime();
    await server?.close();
    await origin.close();
  });

  const start = async (more: object = {}) => {
    server = await startServer({ ...webConfig([origin.url], cache), ...more });
  };
  const says = (headers: Record<string, string>) =>
    origin.files.set("photo.jpg", { bytes: picture, headers });

  describe("by the endpoint's rule", () => {
    it("lasts 180 days, spread over the last tenth of them", async () => {
      await start();
      const times: number[] = [];
      for (let width = 10; width < 22; width++) {
        const answer = await server.ask(`/tr:w-${width}/photo.jpg`);
        assert.equal(control(answer), "public, s-maxage=15552000, max-age=15552000, must-revalidate");
        times.push(ttl(answer));
      }
      for (const time of times) assert(time > 0.9 * 180 * DAY - 5 && time <= 180 * DAY, `${time}`);
      assert(new Set(times).size > 1);
    });

    it("takes no notice of how long an origin lets its files be kept", async () => {
      await start();
      says({ "cache-control": "public, max-age=5", expires: "0", age: "400" });
      const answer = await server.ask(PATH);
      assert.match(control(answer), /max-age=15552000/);
      assert.equal(answer.headers.age, undefined);
      assert(ttl(answer) > 100 * DAY);
    });

    for (const rule of ["no-cache", "max-age=0", "public, max-age=0, must-revalidate", "no-store"]) {
      it(`asks its origin each time where it says ${rule}, without another transform`, async () => {
        await start({ cacheControl: rule });
        assert.equal((await server.ask(PATH)).status, 200);
        for (let time = 2; time <= 4; time++) {
          assert.match(cacheStatus(await server.ask(PATH)), /fwd=stale; stored; fwd-status=304/);
          assert.equal(origin.count("photo.jpg"), time);
        }
        assert.equal((await server.ask("/later.jpg")).status, 404);
        origin.files.set("later.jpg", { bytes: picture });
        assert.equal((await server.ask("/later.jpg")).status, 200);
      });
    }

    it("asks its origin once in a while where clients are to ask each time", async () => {
      await start({ cacheControl: "max-age=0, s-maxage=600" });
      await server.ask(PATH);
      assert.match(cacheStatus(await server.ask(PATH)), /; hit; ttl=5\d\d/);
    });

    for (const [word, outward] of [
      ["private, max-age=600", /^private, max-age=15552000, must-revalidate$/],
      ["no-store", /^no-store$/],
      ["Max-Age=60, PRIVATE", /^private/],
      ['private="set-cookie", max-age=5', /^private/],
    ] as const) {
      it(`keeps nothing that its origin calls ${word}`, async () => {
        await start({ cdnCacheControl: "max-age=5", tagHeader: "Cache-Tag" });
        says({ "cache-control": word });
        for (let time = 1; time <= 2; time++) {
          const answer = await server.ask(PATH);
          assert.match(control(answer), outward);
          assert.match(cacheStatus(answer), /^mediatap; fwd=miss; fwd-status=200$/);
          assert.equal(answer.headers["cdn-cache-control"], undefined);
          assert.equal(answer.headers["cache-tag"], undefined);
          assert.equal(origin.count("photo.jpg"), time);
        }
        assert.equal(cache.size(), 0);
      });
    }

    for (const [rule, outward] of [
      ["no-store", "private, no-store"],
      ["no-cache, max-age=600", "private, no-cache, must-revalidate"],
    ] as const) {
      it(`makes an origin's private no laxer than the endpoint's ${rule}`, async () => {
        await start({ cacheControl: rule });
        says({ "cache-control": "private" });
        assert.equal(control(await server.ask(PATH)), outward);
      });
    }

    it("holds for what stands in for a file, and for failures", async () => {
      for (const [rule, substitute, failure] of [
        ["private, no-store", "private, no-store", "no-store"],
        ["no-cache, no-store, max-age=600", "no-cache, no-store, max-age=600", "no-store"],
        ["no-cache", "public, max-age=0, must-revalidate", "no-store"],
        ["public, max-age=20", "public, max-age=20", "public, max-age=20"],
        ["private, max-age=600", "private, max-age=60", "private, max-age=60"],
      ] as const) {
        await start({ cacheControl: rule });
        const answer = await server.ask("/tr:w-50,di-photo.jpg/missing.jpg");
        assert.equal(answer.headers["x-mediatap-provenance"], "fallback");
        assert.equal(control(answer), substitute);
        assert.equal(control(await server.ask("/tr:w-50/missing.jpg")), failure);
        await server.close();
      }
    });

    it("keeps nothing that anything may change", async () => {
      await start();
      says({ vary: "*" });
      assert.equal(control(await server.ask(PATH)), "no-store");
      assert.equal(cache.size(), 0);
    });

    it("keeps all, where it is told to take no notice of that either", async () => {
      await start({ originCacheControl: "ignore" });
      says({ "cache-control": "private, no-store" });
      assert.match(control(await server.ask(PATH)), /^public, .*max-age=15552000/);
      assert.match(cacheStatus(await server.ask(PATH)), /; hit/);
    });
  });

  describe("by the origin's word", () => {
    const follow = { originCacheControl: "follow" };
    const cases: [what: string, said: Record<string, string>, control: string, ttl: number][] = [
      ["max-age", { "cache-control": "max-age=600" }, "public, max-age=600", 600],
      ["s-maxage", { "cache-control": "s-maxage=900, max-age=60" }, "public, max-age=60, s-maxage=900", 900],
      [
        "Expires",
        { date: "Tue, 01 Jan 2030 00:00:00 GMT", expires: "Tue, 01 Jan 2030 00:10:00 GMT" },
        "public, max-age=600",
        600,
      ],
      ["s-maxage for shared caches alone", { "cache-control": "s-maxage=900" }, "public, s-maxage=900", 900],
      ["max-age before Expires", { "cache-control": "max-age=60", expires: "0" }, "public, max-age=60", 60],
      [
        "Expires in the form of RFC 850",
        { date: "Tuesday, 01-Jan-30 00:00:00 GMT", expires: "Tuesday, 01-Jan-30 00:10:00 GMT" },
        "public, max-age=600",
        600,
      ],
      [
        "Expires in the form of asctime",
        { date: "Tue Jan  1 00:00:00 2030", expires: "Tue Jan  1 00:10:00 2030" },
        "public, max-age=600",
        600,
      ],
      ["a date of no HTTP form as past", { expires: "Thu, 18 Aug 2050 2:01:18 GMT" }, "public, max-age=0", 0],
      [
        "no more than a year of Expires",
        { expires: "Thu, 18 Aug 2050 02:01:18 GMT" },
        "public, max-age=31536000",
        365 * DAY,
      ],
      [
        "the first of two ages",
        { "cache-control": "max-age=600", age: "500, 0" },
        "public, max-age=600",
        100,
      ],
      [
        "an answer that is too old as stale",
        { "cache-control": "max-age=3600", age: "7200, 0" },
        "public, max-age=3600",
        0,
      ],
      ["an Expires that is no date", { expires: "0" }, "public, max-age=0", 0],
      ["the stricter of two", { "cache-control": "max-age=600, max-age=60" }, "public, max-age=60", 60],
      ["the rest of a life", { "cache-control": "max-age=600", age: "500" }, "public, max-age=600", 100],
      ["a time that is none as over", { "cache-control": "max-age=soon" }, "public, max-age=0", 0],
      [
        "must-revalidate",
        { "cache-control": "max-age=9, must-revalidate" },
        "public, max-age=9, must-revalidate",
        9,
      ],
      ["no-cache", { "cache-control": "no-cache" }, "public, no-cache, must-revalidate", 0],
      [
        "what may be stale",
        { "cache-control": "max-age=9, stale-while-revalidate=5, stale-if-error=7" },
        "public, max-age=9, stale-while-revalidate=5, stale-if-error=7",
        9,
      ],
      [
        "no word it does not know",
        { "cache-control": "evil, max-age=9, x=<script>" },
        "public, max-age=9",
        9,
      ],
    ];
    for (const [what, said, outward, seconds] of cases) {
      it(`takes ${what}`, async () => {
        await start(follow);
        says(said);
        const answer = await server.ask(PATH);
        assert.equal(control(answer), outward);
        assert(ttl(answer) <= seconds && ttl(answer) >= 0.9 * seconds - 2, cacheStatus(answer));
        assert.equal(answer.headers.age, said.age?.split(",", 1)[0]);
      });
    }

    it("takes an old Date without Age for the age of the response", async () => {
      await start(follow);
      says({
        "cache-control": "max-age=3600",
        date: new Date(Date.now() - DAY * 1000).toUTCString(),
      });
      const answer = await server.ask(PATH);
      assert.equal(control(answer), "public, max-age=3600");
      assert(ttl(answer) <= 0, cacheStatus(answer));
      assert(Number(answer.headers.age) >= DAY, answer.headers.age);
    });

    for (const vary of ["*", "Accept, *", "*, Accept", " Accept ,  * "]) {
      it(`keeps nothing that varies by ${vary}`, async () => {
        await start(follow);
        says({ "cache-control": "max-age=600", "cdn-cache-control": "max-age=600", vary });
        assert.equal(control(await server.ask(PATH)), "no-store");
        assert.equal(cache.size(), 0);
      });
    }

    describe("to CDNs", () => {
      const cdn = ({ headers }: Answer) => headers["cdn-cache-control"];

      for (const [said, outward, seconds] of [
        [{ "cache-control": "max-age=60", "cdn-cache-control": "max-age=900" }, "public, max-age=60", 900],
        [{ "cache-control": "max-age=3600", "cdn-cache-control": "max-age=9" }, "public, max-age=3600", 9],
        [{ "cache-control": "no-store", "cdn-cache-control": "max-age=900" }, "no-store", 900],
        [{ expires: "0", "cdn-cache-control": "max-age=900" }, "public, max-age=0", 900],
        [
          { "cdn-cache-control": "max-age=900" },
          "public, s-maxage=15552000, max-age=15552000, must-revalidate",
          900,
        ],
      ] as [Record<string, string>, string, number][]) {
        it(`is taken before what it says to all: ${JSON.stringify(said)}`, async () => {
          await start(follow);
          says(said);
          const answer = await server.ask(PATH);
          assert.equal(control(answer), outward);
          assert.equal(cdn(answer), `max-age=${seconds}`);
          assert(ttl(answer) <= seconds && ttl(answer) >= 0.9 * seconds - 2, cacheStatus(answer));
          const next = await server.ask(PATH);
          assert.match(cacheStatus(next), /; hit/);
          assert.equal(cdn(next), `max-age=${seconds}`);
        });
      }

      for (const rule of ["follow", "restrict"]) {
        for (const directive of ["no-store", "private"]) {
          it(`keeps nothing that it calls ${directive}, with ${rule}`, async () => {
            await start({ originCacheControl: rule, cdnCacheControl: "max-age=5" });
            says({ "cache-control": "max-age=3600", "cdn-cache-control": directive });
            const answer = await server.ask(PATH);
            assert.match(control(answer), rule === "follow" ? /^public, max-age=3600$/ : /max-age=15552000/);
            assert.equal(cdn(answer), "no-store");
            assert.equal(cache.size(), 0);
          });
        }
      }

      for (const [ofCdns, isTagged] of [
        ["max-age=900", true],
        ["no-store", false],
      ] as const) {
        it(`is sent ${isTagged ? "with" : "without"} tags for ${ofCdns}, if clients must not store it`, async () => {
          await start({ ...follow, tagHeader: "Cache-Tag" });
          says({ "cache-control": "no-store", "cdn-cache-control": ofCdns, "cache-tag": "pets" });
          const { "cache-tag": tags = "" } = (await server.ask(PATH)).headers;
          assert.equal(tags.includes("pets"), isTagged);
        });
      }

      it("has it asked each time", async () => {
        await start(follow);
        says({ "cache-control": "max-age=3600", "cdn-cache-control": "no-cache" });
        await server.ask(PATH);
        const answer = await server.ask(PATH);
        assert.match(cacheStatus(answer), /fwd=stale; stored; fwd-status=304/);
        assert.equal(control(answer), "public, max-age=3600");
        assert.equal(cdn(answer), "no-cache, must-revalidate");
      });

      it("counts for nothing where it is no dictionary, or of other types", async () => {
        for (const said of [
          "max-age=900, &&&&",
          'max-age="900"',
          "max-age=9.5",
          "no-store=1",
          "",
          "Max-Age=900",
        ]) {
          await start(follow);
          says({ "cache-control": "max-age=60", "cdn-cache-control": said });
          const answer = await server.ask(PATH);
          assert.equal(control(answer), "public, max-age=60", said);
          assert.equal(cdn(answer), undefined, said);
          assert(ttl(answer) <= 60, said);
          await server.close();
        }
      });

      it("is nothing for those who take no notice, nor for private files", async () => {
        await start({ originCacheControl: "ignore" });
        says({ "cdn-cache-control": "no-store" });
        await server.ask(PATH);
        assert.equal(cache.size(), 1);
        await server.close();
        cache.clear();
        await start({ ...follow, privateKey: "a key that is long enough" });
        says({ "cdn-cache-control": "max-age=900", "is-private-file": "true" });
        assert.equal(cdn(await server.ask(PATH)), undefined);
      });
    });

    describe("with a 304", () => {
      const update = async (before: Record<string, string>, after: Record<string, string>) => {
        await start({ ...follow, staleWhileRevalidate: 0, tagHeader: "Cache-Tag" });
        says({ etag: '"1"', ...before });
        await server.ask(PATH);
        cache.pass(DAY);
        says({ etag: '"1"', ...after });
        const answer = await server.ask(PATH);
        assert.match(cacheStatus(answer), /fwd=stale; (?:stored; )?fwd-status=304/);
        return answer;
      };

      for (const [what, before, after, outward, seconds] of [
        [
          "a shorter time",
          { "cache-control": "max-age=600" },
          { "cache-control": "max-age=60" },
          "public, max-age=60",
          60,
        ],
        [
          "a longer time",
          { "cache-control": "max-age=60" },
          { "cache-control": "max-age=600" },
          "public, max-age=600",
          600,
        ],
        [
          "no-cache",
          { "cache-control": "max-age=60" },
          { "cache-control": "no-cache" },
          "public, no-cache, must-revalidate",
          0,
        ],
        [
          "another Expires",
          { expires: "0" },
          { date: "Tue, 01 Jan 2030 00:00:00 GMT", expires: "Tue, 01 Jan 2030 00:10:00 GMT" },
          "public, max-age=600",
          600,
        ],
        [
          "an age",
          { "cache-control": "max-age=600" },
          { "cache-control": "max-age=600", age: "500" },
          "public, max-age=600",
          100,
        ],
        ["nothing", { "cache-control": "max-age=600", age: "500" }, {}, "public, max-age=600", 600],
      ] as [string, Record<string, string>, Record<string, string>, string, number][]) {
        it(`is taken: ${what}`, async () => {
          const answer = await update(before, after);
          assert.equal(control(answer), outward);
          assert(ttl(answer) <= seconds && ttl(answer) >= 0.9 * seconds - 2, cacheStatus(answer));
          assert.equal(answer.headers.age, after.age);
          const asked = origin.count("photo.jpg");
          const next = await server.ask(PATH);
          assert.equal(control(next), outward);
          assert.equal(origin.count("photo.jpg"), seconds === 0 ? asked + 1 : asked);
        });
      }

      it("takes the place of tags", async () => {
        const answer = await update(
          { "cache-control": "max-age=60", "cache-tag": "old" },
          { "cache-control": "max-age=60", "cache-tag": "new" },
        );
        assert.match(answer.headers["cache-tag"] ?? "", /\bnew\b/);
        assert.doesNotMatch(answer.headers["cache-tag"] ?? "", /\bold\b/);
      });

      it("does not prolong an Expires that it does not repeat", async () => {
        const hour = new Date(Date.now() + 3_600_000).toUTCString();
        const answer = await update({ expires: hour }, { date: new Date().toUTCString() });
        assert.match(control(answer), /^public, max-age=(3600|35\d\d)$/);
        // Two hours later the origin still says the same: it is past.
        cache.pass(2 * 3_600);
        assert(ttl(await server.ask(PATH)) <= 3_600);
      });

      it("does not prolong the Expires of a response that was old when it arrived", async () => {
        const [before, hour] = [-1_800_000, 3_600_000].map((time) =>
          new Date(Date.now() + time).toUTCString(),
        );
        const answer = await update({ expires: hour ?? "", date: before ?? "" }, {});
        assert.match(control(answer), /^public, max-age=(3600|35\d\d)$/);
      });

      it("of a layer counts as well", async () => {
        origin.files.set("logo.png", {
          bytes: await photo(10, 10),
          headers: { etag: '"l"', "cache-control": "max-age=600" },
        });
        await start({ ...follow, staleWhileRevalidate: 0 });
        says({ etag: '"1"', "cache-control": "max-age=600" });
        const path = "/tr:w-50,l-image,i-logo.png,l-end/photo.jpg";
        assert.equal(control(await server.ask(path)), "public, max-age=600");
        cache.pass(DAY);
        origin.files.set("logo.png", {
          bytes: await photo(10, 10),
          headers: { etag: '"l"', "cache-control": "max-age=7" },
        });
        const answer = await server.ask(path);
        assert.match(cacheStatus(answer), /fwd=stale; stored; fwd-status=304/);
        assert.equal(control(answer), "public, max-age=7");
      });
    });

    for (const [said, behind, onError] of [
      ["s-maxage=600", 404, 404],
      ["s-maxage=600, max-age=5", 404, 404],
      ["s-maxage=600, stale-if-error=3600", 404, 200],
      ["s-maxage=600, stale-while-revalidate=3600", 200, 404],
      ["s-maxage=600, stale-while-revalidate=3600, proxy-revalidate", 404, 404],
      ["max-age=600", 200, 200],
    ] as const) {
      it(`lets stale answers be served as ${said} allows`, async () => {
        for (const [bound, status] of [
          [3_600_000, behind === 200 || onError === 200 ? 200 : 404],
          [0, onError],
        ] as const) {
          await start({ ...follow, staleWhileRevalidate: bound });
          says({ "cache-control": said });
          await server.ask(PATH);
          cache.pass(700);
          origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(500).end() });
          const answer = await server.ask(PATH);
          assert.equal(answer.status, status);
          if (status === 200) assert.equal(answer.headers["x-mediatap-provenance"], "stale");
          cache.clear();
          await server.close();
        }
      });
    }

    it("gives CDNs no longer lifetime than the strictest of several sources", async () => {
      origin.files.set("logo.png", { bytes: await photo(10, 10), headers: { "cache-control": "max-age=9" } });
      await start(follow);
      says({ "cache-control": "s-maxage=900" });
      const answer = await server.ask("/tr:w-50,l-image,i-logo.png,l-end/photo.jpg");
      assert.equal(control(answer), "public, max-age=9, s-maxage=9");
    });

    it("is no longer than the endpoint's for a picture with a layer of a long lifetime", async () => {
      const headers = { "cache-control": "max-age=31536000", age: "2000000" };
      origin.files.set("logo.png", { bytes: await photo(10, 10), headers });
      await start({ ...follow, cacheControl: "public, max-age=600" });
      const layered = "/tr:w-50,l-image,i-logo.png,l-end/photo.jpg";
      const answer = await server.ask(layered);
      assert.equal(control(answer), "public, max-age=600");
      assert.equal(answer.headers.age, undefined);
      assert.match(cacheStatus(await server.ask(layered)), /; hit; ttl=5\d\d/);
    });

    it("is the endpoint's rule where the origin says nothing", async () => {
      await start(follow);
      const answer = await server.ask(PATH);
      assert.match(control(answer), /max-age=15552000/);
      assert(ttl(answer) > 100 * DAY);
    });

    it("asks each time about what must be confirmed, without another transform", async () => {
      await start(follow);
      says({ "cache-control": "no-cache" });
      await server.ask(PATH);
      for (let time = 2; time <= 3; time++) {
        const answer = await server.ask(PATH);
        assert.match(
          cacheStatus(answer),
          /^mediatap; fwd=stale; stored; fwd-status=304; .*detail=revalidated$/,
        );
        assert.equal(origin.count("photo.jpg"), time);
      }
    });

    it("has a CDN ask each time, too, about what must be confirmed", async () => {
      await start({ ...follow, cdnCacheControl: "max-age=600" });
      says({ "cache-control": "no-cache" });
      assert.equal((await server.ask(PATH)).headers["cdn-cache-control"], undefined);
      await server.close();
      await start({ cacheControl: "no-cache", cdnCacheControl: "max-age=600" });
      assert.equal((await server.ask(PATH)).headers["cdn-cache-control"], "max-age=600");
    });

    it("keeps nothing private or secret", async () => {
      for (const word of ["private, max-age=60", "no-store, max-age=60"]) {
        await start(follow);
        says({ "cache-control": word });
        const answer = await server.ask(PATH);
        assert.equal(
          control(answer),
          word.startsWith("private") ? "private, max-age=60, must-revalidate" : "no-store",
        );
        assert.equal(cache.size(), 0);
        await server.close();
      }
    });

    for (const [word, status, outward] of [
      ["no-store", 200, "no-store"],
      ["private, max-age=9", 200, "private, max-age=9, must-revalidate"],
      ["is-private-file", 401, "no-store"],
    ] as const) {
      for (const [how, changes] of [
        ["with a 304", false],
        ["of another file", true],
      ] as const) {
        it(`is over for all once an origin says ${word} ${how}, with the next request at the latest`, async () => {
          await start(follow);
          says({ "cache-control": "max-age=600" });
          await server.ask(PATH);
          cache.pass(700);
          const headers = word === "is-private-file" ? { [word]: "true" } : { "cache-control": word };
          origin.files.set("photo.jpg", { bytes: changes ? await photo(90, 90) : picture, headers });
          // Answered at once by what is kept, and asked about behind that.
          assert.equal((await server.ask(PATH)).headers["x-mediatap-provenance"], "stale");
          let answer: Answer;
          do answer = await server.ask(PATH);
          while (answer.headers["x-mediatap-provenance"] === "stale");
          assert.deepEqual([answer.status, control(answer)], [status, outward]);
          origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(500).end() });
          assert.equal((await server.ask(PATH)).status, 404);
        });
      }
    }

    it("is told with a 304 that is made of the origin's validators alone", async () => {
      for (const [rules, said] of [
        [follow, "max-age=7"],
        [follow, "no-store"],
        [{}, "private"],
        [{}, "no-store"],
      ] as const) {
        const more = { cdnCacheControl: "max-age=9", tagHeader: "Cache-Tag", tags: ["shop"] };
        await start({ ...rules, ...more });
        says({ "cache-control": said, "cache-tag": "pets" });
        const whole = await server.ask(PATH);
        cache.clear();
        const answer = await server.ask(PATH, { headers: { "if-none-match": whole.headers.etag ?? "" } });
        assert.equal(answer.status, 304);
        for (const name of ["cache-control", "cdn-cache-control", "cache-tag"])
          assert.equal(answer.headers[name], whole.headers[name], `${said}: ${name}`);
        await server.close();
      }
    });

    for (const said of ["max-age=600, must-revalidate", "must-revalidate"]) {
      it(`lets nothing past its time be served where the origin forbids it: ${said}`, async () => {
        await start({ ...follow, cacheControl: "max-age=600" });
        says({ "cache-control": said });
        assert.match(control(await server.ask(PATH)), /max-age=600, must-revalidate$/);
        cache.pass(700);
        origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(500).end() });
        assert.equal((await server.ask(PATH)).status, 404);
      });
    }
  });

  describe("past its time", () => {
    it("is one question for 500 clients, who all are answered at once", async () => {
      await start({ cacheControl: "max-age=600" });
      await server.ask(PATH);
      cache.pass(700);
      const release = Promise.withResolvers<void>();
      const fresh = await photo(60, 60);
      origin.files.set("photo.jpg", {
        answer: async (_, response) => {
          await release.promise;
          response.writeHead(200, { etag: '"2"', "content-length": fresh.length }).end(fresh);
        },
      });
      const before = origin.count("photo.jpg");
      for (let batch = 0; batch < 10; batch++) {
        const answers = await Promise.all(Array.from({ length: 50 }, () => server.ask(PATH)));
        for (const answer of answers) {
          assert.equal(answer.status, 200);
          assert.match(cacheStatus(answer), /^mediatap; hit; ttl=-\d+/);
          assert.equal(answer.headers["x-mediatap-provenance"], "stale");
          assert.equal(control(answer), "public, max-age=5");
        }
      }
      assert.equal(origin.count("photo.jpg"), before + 1);
      release.resolve();
      await until(() => server.server.runtime.pipeline.renders.size === 0, "the question was answered");
      const after = await server.ask(PATH);
      assert.match(cacheStatus(after), /^mediatap; hit; ttl=5\d\d/);
      assert.equal(after.headers["x-mediatap-provenance"], undefined);
      assert.equal((await seen(after.body)).height, 50);
      assert.equal(origin.count("photo.jpg"), before + 1);
    });

    it("waits for the origin beyond the bound, and where there is none", async () => {
      for (const [bound, seconds] of [
        [600_000, 1300],
        [0, 601],
        // No longer than its lifetime was.
        [DAY * 1000, 1300],
      ]) {
        await start({ cacheControl: "max-age=600", staleWhileRevalidate: bound });
        await server.ask(PATH);
        cache.pass(seconds as number);
        assert.match(cacheStatus(await server.ask(PATH)), /^mediatap; fwd=stale; stored; fwd-status=304/);
        cache.clear();
        await server.close();
      }
    });

    it("is not asked about again and again while the origin fails behind the answers", async () => {
      await start({ cacheControl: "max-age=600" });
      await server.ask(PATH);
      cache.pass(700);
      origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(500).end() });
      for (let time = 0; time < 20; time++) {
        assert.equal((await server.ask(PATH)).status, 200);
        await until(() => server.server.runtime.pipeline.renders.size === 0, "the question was answered");
      }
      assert.equal(origin.count("photo.jpg"), 2);
    });

    it("is gone with the next request after the origin said so behind an answer", async () => {
      await start({ cacheControl: "max-age=600" });
      await server.ask(PATH);
      cache.pass(700);
      origin.files.delete("photo.jpg");
      assert.equal((await server.ask(PATH)).status, 200);
      await until(() => server.server.runtime.pipeline.renders.size === 0, "the question was answered");
      const answer = await server.ask(PATH);
      assert.equal(answer.status, 404);
      assert.match(cacheStatus(answer), /^mediatap; hit; ttl=\d\d; detail=test-cache$/);
    });

    it("stands in for an origin that fails, for a bounded time", async () => {
      for (const [seconds, status] of [
        [700, 200],
        [1300, 404],
      ]) {
        await start({ cacheControl: "max-age=600", staleWhileRevalidate: 0, staleIfError: 600_000 });
        says({});
        await server.ask(PATH);
        cache.pass(seconds as number);
        origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(500).end() });
        const answer = await server.ask(PATH);
        assert.equal(answer.status, status);
        if (status === 200) assert.match(cacheStatus(answer), /^mediatap; fwd=stale; ttl=-\d+$/);
        await server.close();
      }
    });

    it("is never shown to those who may not see it", async () => {
      await start({ cacheControl: "max-age=600", privateKey: "key" });
      says({ "is-private-file": "true" });
      assert.equal((await server.ask(PATH)).status, 401);
      cache.pass(700);
      assert.equal((await server.ask(PATH)).status, 401);
    });
  });

  describe("is told", () => {
    it("by Age, to those who get what was kept", async () => {
      await start();
      assert.equal((await server.ask(PATH)).headers.age, undefined);
      cache.pass(1000);
      assert.match((await server.ask(PATH)).headers.age ?? "", /^100\d$/);
      const held = { "if-none-match": (await server.ask(PATH)).headers.etag ?? "" };
      const unchanged = await server.ask(PATH, { headers: held });
      assert.equal(unchanged.status, 304);
      assert.match(unchanged.headers.age ?? "", /^100\d$/);
    });

    it("by Age of a failure, which is as old to CDNs as it is here", async () => {
      await start();
      assert.equal((await server.ask("/gone.jpg")).headers.age, undefined);
      passTime(40_000);
      const { status, headers } = await server.ask("/gone.jpg");
      assert.deepEqual([status, headers["cache-control"]], [404, "public, max-age=60"]);
      assert.equal(headers.age, "40");
    });

    it("to CDNs alone where that is configured, tags included", async () => {
      await start({ cdnCacheControl: "max-age=600", tagHeader: "Surrogate-Key", tags: ["shop"] });
      says({ "cache-tag": 'red,blue, no"t\u00e9' });
      for (let time = 0; time < 2; time++) {
        const { headers } = await server.ask(PATH);
        assert.equal(headers["cdn-cache-control"], "max-age=600");
        assert.match(headers["surrogate-key"] ?? "", /^s-[\w-]{16} shop red blue f-[\w-]{16}$/);
      }
      const missing = await server.ask("/gone.jpg");
      assert.equal(missing.headers["cdn-cache-control"], undefined);
    });

    it("by Cache-Status with the key, where that is configured", async () => {
      await start({ cacheStatusKey: true });
      const [first, second] = [await server.ask(PATH), await server.ask("/photo.jpg?tr=w-50,f-png")];
      const key = (answer: Answer) => /; key="([\w-]{43})"/.exec(cacheStatus(answer))?.[1];
      assert(key(first));
      assert.equal(key(first), key(second));
      assert.match(cacheStatus(second), /^mediatap; hit; ttl=\d+; key=".*"; detail=test-cache$/);
      const [gone, again] = [await server.ask("/gone.jpg"), await server.ask("/gone.jpg")];
      assert.match(cacheStatus(gone), /^mediatap; fwd=miss; fwd-status=404; key=/);
      assert.match(cacheStatus(again), /^mediatap; hit; ttl=\d+; key=/);
    });
  });
});
