import { each } from "../load.ts";
import type { Scenario } from "./scenario.ts";

const REPETITIONS = 3;

/** Counts requests, so that none is like another. */
let requests = 0;

/** Ten seconds of a video, sent while they are made, against the same run of ffmpeg with nothing around it. */
export const video: Scenario = {
  name: "video",
  title: `10 s of 720p to 640 px, H.264 and AAC, one after the other (figures a video)`,
  takes: (peer) => peer.video !== undefined,
  async run({ running, measure }) {
    const { origin, peer } = running;
    const urls = Array.from({ length: REPETITIONS }, () => `${origin}${peer.video?.(++requests)}`);
    return measure(() => each(urls, 1));
  },
};
