import assert from "node:assert/strict";
import { describeTranscoding } from "../support/transcoded.ts";
import { mp4, testPicture } from "../support/videos.ts";

describeTranscoding(
  "the time of whole videos",
  (studio) => studio.make("test.mp4", ...testPicture(4), ...mp4()),
  ({ make, refusal }) => {
    it("a clip is cut", async () => {
      const result = await make("test.mp4", [{ op: "clip", start: 1, duration: 1.5 }]);
      assert.ok(Math.abs(result.duration - 1.5) < 0.06, String(result.duration));
      assert.match(await refusal("test.mp4", [{ op: "clip", start: 9 }]), /^400 .*clip\.start/);
    });

    it("an expression of the duration", async () => {
      const result = await make("test.mp4", [{ op: "clip", start: ["div", "originalDuration", 2] }]);
      assert.ok(Math.abs(result.duration - 2) < 0.06, String(result.duration));
    });

    it("faster and slower", async () => {
      const fast = await make("test.mp4", [{ op: "speed", factor: 2 }]);
      assert.ok(Math.abs(fast.duration - 2) < 0.1, String(fast.duration));
      assert.equal(fast.video.r_frame_rate, "25/1");
      const slow = await make("fields.mp4", [{ op: "speed", factor: 0.25 }]);
      assert.ok(Math.abs(slow.duration - 8) < 0.2, String(slow.duration));
    });

    it("louder and silent", async () => {
      const [plain, half] = [await make("test.mp4"), await make("test.mp4", [{ op: "volume", gain: 0.5 }])];
      assert.ok(Math.abs((await plain.loudness()) - (await half.loudness()) - 6) < 0.7);
    });
  },
);
