import assert from "node:assert/strict";

const url = new URL("../public/player.js", import.meta.url).href;

interface Preview {
  readonly from: number;
  readonly to: number;
  readonly url: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

describe("the player of the start page", () => {
  let module: {
    readPreviews(text: string, base: string): Preview[];
    addresses(path: string, transformation?: string): { rungs: string[]; stream(rungs: string[]): string };
    clock(time: number): string;
  };
  before(async () => {
    module = await import(url);
  });

  it("reads the previews of a video", () => {
    const text = [
      "WEBVTT",
      "",
      "00:00:00.000 --> 00:00:02.000",
      "/a.mp4/ik-track-sheet-0.jpg#xywh=0,0,160,90",
      "",
      "01:00:02.500 --> 01:00:04.000",
      "/a.mp4/ik-track-sheet-1.jpg?tr=so-5#xywh=160,90,160,90",
      "",
    ].join("\n");
    assert.deepEqual(module.readPreviews(text, "http://media.example/a.mp4/ik-seek-thumbnail-track.vtt"), [
      {
        from: 0,
        to: 2,
        url: "http://media.example/a.mp4/ik-track-sheet-0.jpg",
        x: 0,
        y: 0,
        width: 160,
        height: 90,
      },
      {
        from: 3602.5,
        to: 3604,
        url: "http://media.example/a.mp4/ik-track-sheet-1.jpg?tr=so-5",
        x: 160,
        y: 90,
        width: 160,
        height: 90,
      },
    ]);
    assert.deepEqual(module.readPreviews("Not Found", "http://media.example/"), []);
  });

  it("asks for the qualities of the sample", () => {
    const { rungs, stream } = module.addresses("a.mp4", "sr-360_1080");
    assert.deepEqual(rungs, ["360", "1080"]);
    assert.equal(stream(["360"]), "/a.mp4/ik-master.m3u8?tr=sr-360");
    assert.deepEqual(module.addresses("a.mp4").rungs, ["240", "360", "720"]);
  });

  it("tells the time", () => {
    assert.equal(module.clock(0), "0:00");
    assert.equal(module.clock(61.9), "1:01");
  });
});
