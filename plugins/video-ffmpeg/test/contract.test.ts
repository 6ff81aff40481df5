import { imageSharp } from "@mediatap/image-sharp";
import { describeDecode, describeWith, type Spot } from "@mediatap/test";
import { videoFfmpeg } from "../src/index.ts";
import { FFMPEG, mp4, openStudio } from "./support/videos.ts";

const RED: Spot[2] = [254, 0, 0, 255];
const BLUE: Spot[2] = [0, 0, 254, 255];
const spots: Spot[] = [
  [0.25, 0.5, RED],
  [0.75, 0.5, BLUE],
];

describeWith(FFMPEG, "video-ffmpeg by its contract", () => {
  describeDecode("video-ffmpeg", async () => {
    const studio = await openStudio();
    const halves = "color=red:s=60x80:r=25:d=1[a];color=blue:s=60x80:r=25:d=1[b];[a][b]hstack";
    await studio.make("halves.mp4", "-filter_complex", halves, ...mp4());
    await studio.make("halves.webm", "-filter_complex", halves, "-c:v", "libvpx", "-cpu-used", "8");
    const page = { width: 120, height: 80 };
    const files = await Promise.all(
      ["halves.mp4", "halves.webm"].map(async (name) => ({
        name,
        bytes: await studio.bytes(name),
        header: { format: name.endsWith("mp4") ? "mp4" : "matroska", ...page, alpha: false, duration: 1 },
        pages: [{ ...page, spots }],
      })),
    );
    await studio.close();
    const [first, ...more] = files;
    if (!first) throw new Error("no files");
    return {
      plugin: videoFfmpeg(),
      engine: imageSharp(),
      document: true,
      bytes: "none",
      files: [first, ...more],
    };
  });
});
