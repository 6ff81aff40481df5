import assert from "node:assert/strict";
import { passTime, resetTime } from "@mediatap/test";
import fc from "fast-check";
import { sign } from "../src/index.ts";
import { admitted, codeThrown, exchangeFor, jobOf, namedChains, resolved, taps } from "./helpers.ts";

const KEY = "dummy-key";
const endpoint = { privateKeys: [KEY] };
const soon = () => Math.floor(Date.now() / 1000) + 300;

/** A URL as an SDK signs it. */
function signed(path: string, key = KEY, expiry?: number): string {
  const time = expiry === undefined ? "" : `ik-t=${expiry}&`;
  return `${path}${path.includes("?") ? "&" : "?"}${time}ik-s=${sign(path, key, expiry)}`;
}

function codeFor(url: string, changes: Parameters<typeof admitted>[1] = {}): string | undefined {
  return codeThrown(() => admitted(url, { ...changes, endpoint: { ...endpoint, ...changes.endpoint } }));
}

describe("url-imagekit: signatures", () => {
  afterEach(resetTime);

  const file = "sdk-testing-files/future-search.png";
  const vectors: [path: string, expiry: number | undefined, signature: string][] = [
    [file, undefined, "32dbbbfc5f945c0403c71b54c38e76896ef2d6b0"],
    [file, 1700000300, "b9157b095c80756481826855f85e9be3fe5b3309"],
    [`${file}?tr=w-300,h-200`, undefined, "62e3d72cd64fe35e060aedc181c898852e062d52"],
    [`${file}?version=1.0&cache=false`, undefined, "f2e5a1b8b6a0b03fd63789dfc6413a94acef9fd8"],
    [`${file}?version=2.0&tr=w-300,h-200`, undefined, "601d97a7834b7554f4dabf0d3fc3a219ceeb6b31"],
    [`tr:w-300,h-200/${file}?version=2.0`, undefined, "dd1ee8f83d019bc59fd57a5fc4674a11eb8a3496"],
    [
      "sdk-testing-files/%E0%A4%B9%E0%A4%BF%E0%A4%A8%E0%A5%8D%E0%A4%A6%E0%A5%80.png",
      undefined,
      "3fff2f31da1f45e007adcdbe95f88c8c330e743c",
    ],
  ];
  for (const [path, expiry, signature] of vectors) {
    it(`are those of the SDKs for ${path}`, () => {
      assert.equal(sign(path, KEY, expiry), signature);
      if (expiry === undefined) {
        const url = `${path}${path.includes("?") ? "&" : "?"}ik-s=${signature}`;
        assert.equal(admitted(url, { endpoint }).signature, "valid");
      }
    });
  }

  it("are those of the SDKs for another key", () => {
    assert.equal(sign("test_path_alt.jpg", "test_private_key"), "e26ca157df99b30b2443d7cb6886fc396fb4c87b");
  });

  it("hold until their time, with half a minute for clocks that differ", () => {
    const now = soon() - 300;
    assert.equal(codeFor(signed("a.jpg", KEY, now + 300)), undefined);
    assert.equal(codeFor(signed("a.jpg", KEY, now - 20)), undefined);
    assert.equal(codeFor(signed("a.jpg", KEY, now - 40)), "EEXPIRED");
    assert.equal(codeFor(signed("a.jpg", KEY, 1700000300)), "EEXPIRED");
  });

  it("expire although the URL was admitted before", () => {
    const url = signed("a.jpg", KEY, soon());
    const exchange = exchangeFor(url, { endpoint });
    const job = resolved(exchange);
    taps.admit(exchange, job);
    passTime(1_000_000);
    const later = exchangeFor(url, { endpoint });
    taps.admit(later, job);
    assert.equal(later.claims.signature, "expired");
  });

  it("stand anywhere in the query", () => {
    const time = soon();
    const signature = sign("a.jpg?x=1&y=2", KEY, time);
    for (const query of [
      `ik-s=${signature}&x=1&ik-t=${time}&y=2`,
      `x=1&ik-t=${time}&ik-s=${signature}&y=2`,
      `ik-s=${signature}&ik-t=${time}&x=1&y=2`,
    ]) {
      assert.equal(codeFor(`a.jpg?${query}`), undefined, query);
    }
  });

  it("may be made by any of several keys", () => {
    const keys = { endpoint: { privateKeys: ["new", "old"] } };
    assert.equal(codeFor(signed("a.jpg", "old"), keys), undefined);
    assert.equal(codeFor(signed("a.jpg", "new"), keys), undefined);
    assert.equal(codeFor(signed("a.jpg", "other"), keys), "ESIGNATURE");
  });

  it("may be made of the decoded query, or with the prefix in front", () => {
    const decoded = sign("a%20b.jpg?tr=w-300,h-200", KEY);
    assert.equal(codeFor(`a%20b.jpg?tr=w-300%2Ch-200&ik-s=${decoded}`), undefined);
    const rooted = sign("shop/a.jpg", KEY);
    assert.equal(codeFor(`a.jpg?ik-s=${rooted}`, { mount: "shop/" }), undefined);
    assert.equal(codeFor(`a.jpg?ik-s=${rooted}`, { mount: "other/" }), "ESIGNATURE");
    assert.equal(codeFor(signed("a.jpg"), { mount: "shop/" }), undefined);
  });

  it("may be made of chains that no parser of URLs had escaped yet", () => {
    const layer = 'l-text,ie-SGVsbG8%3D,ff-Open Sans,l-end:l-text,i-हिन्दी "a",l-end';
    const sent = layer.replaceAll(" ", "%20").replaceAll('"', "%22").replace("हिन्दी", encodeURIComponent);
    for (const [made, received] of [
      [`tr:${layer}/a%20b.jpg?v=a+b`, `tr:${sent}/a%20b.jpg?v=a+b`],
      [`a%20b.jpg?v=%C3%A4&tr=${layer}`, `a%20b.jpg?v=%C3%A4&tr=${sent}`],
    ] as const) {
      const signature = sign(made, KEY);
      assert.equal(codeFor(`${received}&ik-s=${signature}`), undefined, received);
      assert.equal(codeFor(`${received.replace("a%20b", "a b")}&ik-s=${signature}`), "ESIGNATURE");
      assert.equal(codeFor(`${received.replace("%3D", "=")}&ik-s=${signature}`), "ESIGNATURE");
    }
    const separators = sign("tr:w-5,h-5/a.jpg", KEY);
    for (const chain of ["w-5%2Ch-5", "w-5%2ch-5", "w%2D5,h-5"]) {
      assert.equal(codeFor(`tr:${chain}/a.jpg?ik-s=${separators}`), "ESIGNATURE", chain);
    }
  });

  it("cover a web proxy's address in encoded form", () => {
    assert.equal(codeFor(signed("https%3A%2F%2Fexample.com%2Fimage.jpg?tr=w-5")), undefined);
  });

  const good = sign("a.jpg", KEY);
  const time = soon();
  const timed = sign("a.jpg", KEY, time);
  const wrong: [why: string, url: string][] = [
    ["empty", "a.jpg?ik-s="],
    ["too short", `a.jpg?ik-s=${good.slice(1)}`],
    ["too long", `a.jpg?ik-s=${good}0`],
    ["in upper case", `a.jpg?ik-s=${good.toUpperCase()}`],
    ["doubled", `a.jpg?ik-s=${good}&ik-s=${good}`],
    ["doubled in disguise", `a.jpg?ik-s=${good}&ik%2Ds=${good}`],
    ["under an encoded name", `a.jpg?ik%2Ds=${good}`],
    ["under an array's name", `a.jpg?ik-s[]=${good}&ik-s=0`],
    ["of another path", `b.jpg?ik-s=${good}`],
    ["of the plain URL", `a.jpg?tr=w-5&ik-s=${good}`],
    ["of the plain URL, chain in the path", `tr:w-5/a.jpg?ik-s=${good}`],
    ["of the other position", `tr:w-5/a.jpg?ik-s=${sign("a.jpg?tr=w-5", KEY)}`],
    ["before a further parameter", `a.jpg?ik-s=${good}&tr=w-10`],
    ["before a semicolon", `a.jpg?ik-s=${good};tr=w-10`],
    ["without its time", `a.jpg?ik-s=${timed}`],
    ["with another time", `a.jpg?ik-t=${time + 1}&ik-s=${timed}`],
    ["with two times", `a.jpg?ik-t=${time}&ik-t=${time}&ik-s=${timed}`],
    ["with an encoded time", `a.jpg?ik%2Dt=${time}&ik-s=${good}`],
    ["with a time of 11 digits", `a.jpg?ik-t=11700000300&ik-s=${sign("a.jpg", KEY, 11700000300)}`],
    ["with a time in words", `a.jpg?ik-t=never&ik-s=${good}`],
    ["with a time as exponent", `a.jpg?ik-t=1e10&ik-s=${sign("a.jpg", KEY, 1e10)}`],
    ["with a negative time", `a.jpg?ik-t=-1&ik-s=${sign("a.jpg", KEY, -1)}`],
    ["of a URL that decodes to the same", `a.jpg?v=1%26tr=w-5&ik-s=${sign("a.jpg?v=1&tr=w-5", KEY)}`],
    ["of a path that decodes to the same", `a%2ejpg?ik-s=${good}`],
    ["of a path that hides a query", `a.jpg%3Fv=1?ik-s=${sign("a.jpg?v=1", KEY)}`],
  ];
  for (const [why, url] of wrong) {
    it(`are wrong when ${why}`, () => assert.equal(codeFor(url), "ESIGNATURE"));
  }

  it("mean nothing where there is no key", () => {
    assert.deepEqual(admitted("a.jpg?ik-s=wrong", { endpoint: { privateKeys: [] } }), {
      transformation: "none",
    });
  });

  it("of one URL open no URL that means something else", () => {
    const piece = fc.constantFrom(
      "a",
      "b=1",
      "tr=w-5",
      "%26",
      "&",
      "%3D",
      "=",
      "%25",
      "%2C",
      ",",
      "%41",
      "?",
      "%3F",
      ";",
      "+",
    );
    const query = fc.array(piece, { maxLength: 6 }).map((pieces) => `v=1&${pieces.join("")}`);
    const meaning = (url: string) => {
      const { asset, transformation, query: free, problem } = jobOf(url);
      return { asset, transformation, query: free, problem: problem?.code };
    };
    let admissions = 0;
    fc.assert(
      fc.property(query, (sent) => {
        const signedText = `a.jpg?${decodeURIComponent(sent)}`;
        const code = codeThrown(() => admitted(`a.jpg?${sent}&ik-s=${sign(signedText, KEY)}`, { endpoint }));
        if (code !== undefined) return;
        admissions++;
        assert.deepEqual(meaning(`a.jpg?${sent}`), meaning(signedText));
      }),
      { numRuns: 2000 },
    );
    assert.ok(admissions > 100);
  });

  it("do not survive any change of the URL", () => {
    const locked = { ...endpoint, restrictUnsigned: "all" } as const;
    const url = signed("tr:w-300/a/b.jpg?v=1&tr=rt-90");
    const end = url.indexOf("&ik-s=");
    fc.assert(
      fc.property(fc.nat(end - 1), fc.constantFrom(..."aZ09-_.,:/?&=%+;"), (at, character) => {
        const changed = url.slice(0, at) + character + url.slice(at + 1);
        fc.pre(changed !== url);
        assert.notEqual(
          codeThrown(() => admitted(changed, { endpoint: locked })),
          undefined,
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe("url-imagekit: restrictions", () => {
  const unsigned = (restrictUnsigned: "images" | "videos" | "all") => ({ endpoint: { restrictUnsigned } });

  it("ask for signatures of images, videos or all", () => {
    const rows: [url: string, images: boolean, videos: boolean][] = [
      ["a.jpg", true, false],
      ["a.jpg?tr=n-thumb", true, false],
      ["a", true, false],
      ["a.css", true, false],
      ["a.mp4", false, true],
      ["a.jpg/ik-video.mp4", true, true],
      ["a.mp4/ik-thumbnail.jpg", false, true],
      ["a.gif/ik-gif-video.mp4", true, true],
      ["a.mp4/ik-master.m3u8?tr=sr-240", false, true],
      ["a.mp4/ik-track-240-1.m4s", false, true],
      ["a/ik-video.mp4/ik-seek-thumbnail-track.vtt", true, true],
      ["a.jpg?tr=orig-true", true, false],
    ];
    for (const [url, images, videos] of rows) {
      assert.equal(codeFor(url, unsigned("images")), images ? "ESIGNATURE" : undefined, url);
      assert.equal(codeFor(url, unsigned("videos")), videos ? "ESIGNATURE" : undefined, url);
      assert.equal(codeFor(url, unsigned("all")), "ESIGNATURE", url);
      assert.equal(codeFor(signed(url), unsigned("all")), undefined, url);
    }
  });

  it("refuse everything where signatures are asked for and there is no key", () => {
    const locked = { restrictUnsigned: "all", privateKeys: [] } as const;
    assert.equal(codeFor(signed("a.jpg"), { endpoint: locked }), "ESIGNATURE");
  });

  it("let only named transformations and plain URLs pass", () => {
    const named = { restrictUnnamed: true, namedTransformations: namedChains({ thumb: "w-5" }) };
    const code = (url: string) => codeFor(url, { endpoint: named });
    assert.equal(code("a.jpg?v=1"), undefined);
    assert.equal(code("a.jpg?tr=n-thumb"), undefined);
    assert.equal(code("tr:n-thumb:n-thumb/a.jpg"), undefined);
    assert.equal(code("a.jpg?tr=n-thumb,w-5"), "EINVAL");
    assert.equal(code("tr:n-thumb/a.jpg?tr=w-5"), "EINVAL");
    assert.equal(code("a.jpg?tr=orig-true"), "EINVAL");
    assert.equal(code("a.jpg?tr=l-text,i-a,l-end"), "EINVAL");
    assert.equal(code("a.jpg?tr=w-"), "EINVAL");
    assert.equal(code(signed("a.jpg?tr=w-5")), "EINVAL");
  });

  it("speak of the signature before the grammar", () => {
    const both = { restrictUnnamed: true, restrictUnsigned: "all" } as const;
    assert.equal(codeFor("a.jpg?tr=w-5", { endpoint: both }), "ESIGNATURE");
    assert.equal(codeFor("a.jpg?tr=w-abc", { endpoint: both }), "ESIGNATURE");
  });

  it("claim for a request what it can show", () => {
    const all = { ...endpoint, namedTransformations: namedChains({ thumb: "w-5" }) };
    assert.deepEqual(admitted("a.jpg", { endpoint: all }), { transformation: "none" });
    assert.deepEqual(admitted("a.jpg?tr=w-5", { endpoint: all }), {});
    assert.deepEqual(admitted("a.jpg?tr=n-thumb,rt-5", { endpoint: all }), {});
    assert.deepEqual(admitted("a.jpg?tr=n-thumb", { endpoint: all }), { transformation: "named" });
    assert.deepEqual(admitted(signed("a.jpg?tr=n-thumb"), { endpoint: all }), {
      signature: "valid",
      transformation: "named",
    });
  });
});
