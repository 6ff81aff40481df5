import assert from "node:assert/strict";
import { sign } from "../src/index.ts";
import { admitted, codeThrown, exchangeFor, namedChains, resolved, taps } from "./helpers.ts";

const KEY = "dummy-key";
const endpoint = { privateKeys: [KEY], restrictUnsigned: "videos" } as const;
const now = () => Math.floor(Date.now() / 1000);
/** Later than all tests end: some names of tests are made when they are loaded. */
const soon = () => now() + 24 * 60 * 60;
const codeFor = (url: string, changes: object = {}) =>
  codeThrown(() => admitted(url, { endpoint: { ...endpoint, ...changes } }));

/** A URL as an SDK signs it. */
function signed(path: string, expiry?: number): string {
  const time = expiry === undefined ? "" : `ik-t=${expiry}&`;
  return `${path}${path.includes("?") ? "&" : "?"}${time}ik-s=${sign(path, KEY, expiry)}`;
}

/** The link to any part, as the core asks for it while it answers `url`. */
function linkFrom(url: string, changes: Parameters<typeof exchangeFor>[1] = {}): string {
  const exchange = exchangeFor(url, { ...changes, endpoint: { ...endpoint, ...changes.endpoint } });
  const job = resolved(exchange);
  taps.admit(exchange, job);
  const { steps } = job.transformation;
  const video = { format: "mp4", codec: "h264", audio: "aac", quality: 50, part: { kind: "any" } } as const;
  const link = taps.link({ ...job, transformation: { steps, output: { video } } }, exchange);
  assert.ok(link);
  assert.equal(link.split("*").length, 2, link);
  return link.slice(1 + (changes.mount ?? "").length);
}
const named = (link: string, name: string) => link.replace("*", name);

describe("url-imagekit: signatures of streams", () => {
  for (const [what, expiry] of [
    ["for ever", undefined],
    ["for a time", soon()],
  ] as const) {
    it(`open all parts of a playlist that is signed ${what}`, () => {
      const link = linkFrom(signed("a/v.mp4/ik-master.m3u8?tr=sr-240_360:so-5,rt-90", expiry));
      for (const name of ["360.m3u8", "audio-init.mp4", "360-17.m4s", "sub-en.vtt", "sheet-3.jpg"]) {
        assert.equal(codeFor(named(link, name)), undefined, name);
      }
      // Playlists of tracks lead to segments in the same way.
      assert.equal(linkFrom(named(link, "360.m3u8")), link);
    });
  }

  it("hold below a prefix", () => {
    const link = linkFrom(signed("v.mp4/ik-master.m3u8?tr=sr-240"), { mount: "shop/" });
    assert.equal(
      codeThrown(() => admitted(named(link, "240.m3u8"), { endpoint, mount: "shop/" })),
      undefined,
    );
  });

  it("are not needed where none was", () => {
    const open = { restrictUnsigned: "none" } as const;
    const link = linkFrom("v.mp4/ik-master.m3u8?tr=sr-240", { endpoint: open });
    assert.equal(link, "v.mp4/ik-track-*");
    assert.equal(codeFor(named(link, "240.m3u8"), open), undefined);
    assert.equal(codeFor(named(link, "240.m3u8")), "ESIGNATURE");
  });

  it("may be of one part alone", () => {
    assert.equal(codeFor(signed("v.mp4/ik-track-240.m3u8?tr=so-5")), undefined);
    const one = sign("v.mp4/ik-track-240.m3u8", KEY);
    assert.equal(codeFor(`v.mp4/ik-track-240.m3u8?ik-s=${one}`), undefined);
    assert.equal(codeFor(`v.mp4/ik-track-360.m3u8?ik-s=${one}`), "ESIGNATURE");
  });

  const time = soon();
  const star = sign("a/v.mp4/ik-track-*?tr=so-5", KEY, time);
  const plain = sign("a/v.mp4/ik-track-*", KEY);
  const wrong: [why: string, url: string, code?: string][] = [
    ["another asset", `a/w.mp4/ik-track-240.m3u8?tr=so-5&ik-t=${time}&ik-s=${star}`],
    ["another folder", `b/v.mp4/ik-track-240.m3u8?tr=so-5&ik-t=${time}&ik-s=${star}`],
    ["an asset below", `a/v.mp4/v.mp4/ik-track-240.m3u8?tr=so-5&ik-t=${time}&ik-s=${star}`],
    ["another chain", `a/v.mp4/ik-track-240.m3u8?tr=so-6&ik-t=${time}&ik-s=${star}`],
    ["no chain", `a/v.mp4/ik-track-240.m3u8?ik-t=${time}&ik-s=${star}`],
    ["a chain in the path", `tr:rt-90/a/v.mp4/ik-track-240.m3u8?tr=so-5&ik-t=${time}&ik-s=${star}`],
    ["a later time", `a/v.mp4/ik-track-240.m3u8?tr=so-5&ik-t=${time + 1}&ik-s=${star}`],
    ["no time", `a/v.mp4/ik-track-240.m3u8?tr=so-5&ik-s=${star}`],
    ["the playlist", `a/v.mp4/ik-master.m3u8?tr=so-5&ik-t=${time}&ik-s=${star}`],
    ["the plain playlist", `a/v.mp4/ik-master.m3u8?tr=sr-240&ik-s=${plain}`],
    ["the original", `a/v.mp4?ik-s=${plain}`],
    ["a still", `a/v.mp4/ik-thumbnail.jpg?ik-s=${plain}`],
    ["previews", `a/v.mp4/ik-seek-thumbnail-track.vtt?ik-s=${plain}`],
    ["another ending", `a/v.mp4/ik-track-240.m3u8/ik-thumbnail.jpg?ik-s=${plain}`],
    ["a name that no part has", `a/v.mp4/ik-track-240.mp4?ik-s=${plain}`],
    ["an encoded name", `a/v.mp4/ik%2Dtrack-240.m3u8?ik-s=${plain}`],
  ];
  for (const [why, url] of wrong) {
    it(`of all parts do not open ${why}`, () => assert.equal(codeFor(url), "ESIGNATURE"));
  }

  it("of all parts name no part themselves", () => {
    const exchange = exchangeFor(`a/v.mp4/ik-track-*?ik-s=${plain}`, { endpoint });
    assert.equal(resolved(exchange).problem?.code, "ENOENT");
  });

  it("of parts expire", () => {
    const past = now() - 700;
    const url = `v.mp4/ik-track-240.m3u8?ik-t=${past}&ik-s=${sign("v.mp4/ik-track-*", KEY, past)}`;
    assert.equal(codeFor(url), "EEXPIRED");
  });
});

describe("url-imagekit: streams by name", () => {
  const named240 = namedChains({ hls: "sr-240_360:so-5", still: "so-5" });
  const open = { restrictUnsigned: "none", restrictUnnamed: true, namedTransformations: named240 } as const;

  it("lead to their parts by that name", () => {
    for (const url of [
      "v.mp4/ik-master.m3u8?tr=n-hls",
      "tr:n-hls/v.mp4/ik-master.mpd",
      "v.mp4/ik-track-240.m3u8?tr=n-hls",
    ]) {
      const link = linkFrom(url, { endpoint: open });
      assert.equal(link, "v.mp4/ik-track-*?tr=n-hls");
      const child = exchangeFor(named(link, "240-3.m4s"), { endpoint: { ...endpoint, ...open } });
      const job = resolved(child);
      taps.admit(child, job);
      // What opens a private file.
      assert.deepEqual(child.claims, { transformation: "named" });
      assert.deepEqual(job.transformation, {
        steps: [{ op: "clip", start: 5 }],
        output: { video: { part: { kind: "segment", track: "240", index: 3 } } },
      });
    }
  });

  it("are signed where the playlist was", () => {
    const link = linkFrom(signed("v.mp4/ik-master.m3u8?tr=n-hls"), {
      endpoint: { namedTransformations: named240 },
    });
    assert.match(link, /^v\.mp4\/ik-track-\*\?tr=n-hls&ik-s=[0-9a-f]{40}$/);
    assert.equal(codeFor(named(link, "240.m3u8"), { namedTransformations: named240 }), undefined);
  });

  it("do not open what is not named", () => {
    assert.equal(codeFor("v.mp4/ik-master.m3u8?tr=sr-240", open), "EINVAL");
    assert.equal(codeFor("v.mp4/ik-track-240.m3u8?tr=so-5", open), "EINVAL");
    assert.equal(codeFor("v.mp4/ik-track-240.m3u8?tr=n-hls,rt-90", open), "EINVAL");
    const some = linkFrom("v.mp4/ik-master.m3u8?tr=n-hls,rt-90", {
      endpoint: { ...open, restrictUnnamed: false },
    });
    assert.equal(some, "v.mp4/ik-track-*?tr=so-5,rt-90");
  });
});
