import type { Step } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, type TestServer } from "@mediatap/test";
import { videoFfmpeg } from "../../src/index.ts";
import { streamLanguage } from "./language.ts";
import { serve } from "./server.ts";
import type { Variant } from "./streams.ts";
import { FFMPEG, mp4, numbered, openStudio, type Studio, testPicture } from "./videos.ts";

/** Videos, and servers that make streams of them. */
export interface Streaming {
  /** Has `count.mp4` with pictures that show their number, `clip.mp4`, and `turned.mp4`: the same on its side. */
  readonly studio: Studio;
  readonly server: TestServer;
  /** Another server, that knows nothing of the first. */
  start(): Promise<TestServer>;
}

/** A suite about streams in which all is encoded; `prepare` makes further videos. */
export function describeStreaming(
  title: string,
  prepare: (studio: Studio) => Promise<unknown>,
  suite: (streaming: Streaming) => void,
): void {
  describeWith(FFMPEG, title, () => {
    let studio: Studio;
    let server: TestServer;
    const servers: TestServer[] = [];

    async function start(): Promise<TestServer> {
      const started = await serve(studio, [streamLanguage(), storageFs(), videoFfmpeg({ copy: false })]);
      servers.push(started);
      return started;
    }

    before(async () => {
      studio = await openStudio();
      const named = ["-metadata:s:v", "language=ger", "-metadata", "title=Clip"];
      await Promise.all([
        // Key frames far apart, and not where segments begin.
        studio.make("count.mp4", ...numbered(13, "30000/1001"), ...mp4(250)),
        studio.make("clip.mp4", ...testPicture(13), ...mp4(), ...named),
      ]);
      await studio.make("turned.mp4", "-display_rotation", "90", "-i", studio.path("clip.mp4"), "-c", "copy");
      await prepare(studio);
      server = await start();
    });
    after(async () => {
      await Promise.all(servers.map((one) => one.close()));
      await studio?.close();
    });

    suite({
      get studio() {
        return studio;
      },
      get server() {
        return server;
      },
      start,
    });
  });
}

export const clip = (start: number, duration?: number): Step => ({
  op: "clip",
  start,
  ...(duration !== undefined && { duration }),
});

export const sizesOf = (all: readonly Variant[]) =>
  all.map(({ attributes: { RESOLUTION: size } }) => `${size.width}x${size.height}`);
