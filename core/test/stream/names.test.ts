import assert from "node:assert/strict";
import type { NamedPart } from "../../src/model/stream.ts";
import { fillSlots, partName, partOfName, slot } from "../../src/stream/names.ts";

const PARTS: readonly (readonly [name: string, part: NamedPart])[] = [
  ["360.m3u8", { kind: "playlist", track: "360" }],
  ["sub-en.m3u8", { kind: "playlist", track: "sub-en" }],
  ["360-init.mp4", { kind: "init", track: "360" }],
  ["audio-17.m4s", { kind: "segment", track: "audio", index: 17 }],
  ["sub-en.vtt", { kind: "text", track: "sub-en" }],
  ["sub-zh-Hans-1.vtt", { kind: "text", track: "sub-zh-Hans-1" }],
  ["sheet-3.jpg", { kind: "sheet", index: 3 }],
];

describe("core: parts of streams", () => {
  for (const [name, part] of PARTS) {
    it(`have a name that stands for them: ${name}`, () => {
      assert.equal(partName(part), name);
      assert.deepEqual(partOfName(name), part);
    });
  }

  it("have no other names", () => {
    for (const name of [
      "",
      "*",
      ".vtt",
      "-.vtt",
      "sub-.vtt",
      "sub--en.vtt",
      "sub.en.vtt",
      "a/b.vtt",
      "en.srt",
      "en.vtt ",
    ]) {
      assert.equal(partOfName(name), undefined, name);
    }
    assert.equal(partOfName(`${"a".repeat(100)}.vtt`), undefined);
  });

  it("have places in a text", () => {
    assert.equal(
      fillSlots(`${slot("sub-en.vtt")}\n{x}`, (name) => `/v/${name}?a=1`),
      "/v/sub-en.vtt?a=1\n{x}",
    );
  });
});
