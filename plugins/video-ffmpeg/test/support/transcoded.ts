import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { type Answer, describeWith, jobLanguage, jobUrl, type TestServer } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { inspectResult, isLike, type Result } from "./results.ts";
import { serve } from "./server.ts";
import { FFMPEG, mp4, openStudio, type Studio } from "./videos.ts";

export const RED = [255, 0, 0];
export const GREEN = [0, 255, 0];
export const BLUE = [0, 0, 255];
export const WHITE = [255, 255, 255];
export const BLACK = [0, 0, 0];

export const paint = (r: number, g: number, b: number) =>
  ({ kind: "color", color: { r, g, b, alpha: 1 } }) as const;
export const resize = (more: object) => ({ op: "resize", fit: "cover", enlarge: true, ...more }) as Step;

/** A video, the steps that are done to it, and what it is to be; in MP4 where that is left out. */
type Request = [path: string, steps?: readonly Step[], video?: VideoOutput];

/** Requests whole videos, and inspects them. */
export interface Transcoding {
  /** The folder of the videos. Each suite has `fields.mp4` and makes the others. */
  readonly studio: Studio;
  ask(...request: Request): Promise<Answer>;
  make(...request: Request): Promise<Result>;
  /** Status and message of a response. */
  refusal(...request: Request): Promise<string>;
}

/** A suite about whole videos; `prepare` generates its sources. */
export function describeTranscoding(
  title: string,
  prepare: (studio: Studio) => Promise<unknown>,
  suite: (transcoding: Transcoding) => void,
): void {
  describeWith(FFMPEG, title, () => {
    let studio: Studio;
    let server: TestServer;
    before(async () => {
      studio = await openStudio();
      await studio.make("fields.mp4", ...fields("320x180"), ...tone, ...mp4());
      await prepare(studio);
      server = await serve(studio, [
        jobLanguage(),
        storageFs(),
        imageSharp(),
        videoFfmpeg({ delivery: "wait" }),
      ]);
    });
    after(async () => {
      await server?.close();
      await studio?.close();
    });

    const ask = (...[path, steps = [], video = {}]: Request) =>
      server.ask(jobUrl(path, { steps, output: { video } }));
    suite({
      get studio() {
        return studio;
      },
      ask,
      async make(...request) {
        const answer = await ask(...request);
        assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
        return inspectResult(studio, answer.body);
      },
      async refusal(...request) {
        const { status, text } = await ask(...request);
        return `${status} ${status === 200 ? "" : text.trim()}`;
      },
    });
  });
}

/** Four fields: red, green, blue, white. */
export const fields = (size: string, seconds = 2): readonly string[] => [
  ...["-f", "lavfi", "-i"],
  `color=red:s=${size}:r=25:d=${seconds},format=rgb24,drawbox=x=iw/2:w=iw/2:h=ih/2:c=lime:t=fill,drawbox=y=ih/2:w=iw/2:h=ih/2:c=blue:t=fill,drawbox=x=iw/2:y=ih/2:w=iw/2:h=ih/2:c=white:t=fill`,
];

/** Two seconds of it. */
export const tone: readonly string[] = ["-f", "lavfi", "-i", "sine=f=440:d=2"];

/** A video of the fields without sound. */
export const silent = (studio: Studio) =>
  studio.make("silent.mp4", ...fields("320x180"), "-c:v", "libx264", "-pix_fmt", "yuv420p");

export const sizeOf = ({ video }: Result) => `${video.width}x${video.height}`;

/** The colours of the four quarters, by name, row by row. */
export async function quarters(result: Result, seconds = 0.5): Promise<string> {
  const at = await result.at(seconds);
  const names = { red: RED, green: GREEN, blue: BLUE, white: WHITE, black: BLACK };
  const nameOf = (x: number, y: number) =>
    Object.entries(names).find(([, value]) => isLike(at(x, y), value, 40))?.[0] ?? String(at(x, y));
  return [nameOf(0.25, 0.25), nameOf(0.75, 0.25), nameOf(0.25, 0.75), nameOf(0.75, 0.75)].join(" ");
}
