import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { MediatapConfig, PluginList, Step } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, type TestServer } from "@mediatap/test";
import { type VideoFfmpegOptions, videoFfmpeg } from "@mediatap/video-ffmpeg";
import { streamLanguage } from "../../../video-ffmpeg/test/support/language.ts";
import { serve } from "../../../video-ffmpeg/test/support/server.ts";
import {
  FFMPEG,
  mp4,
  numbered,
  openStudio,
  type Studio,
  testPicture,
} from "../../../video-ffmpeg/test/support/videos.ts";
import { videoRemux } from "../../src/index.ts";

export const run = promisify(execFile);

export const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

/** Videos, and servers that package them. */
export interface Remuxing {
  /** Has `clip.mp4`, and `count.mp4` with pictures that show their number. */
  readonly studio: Studio;
  readonly server: TestServer;
  /** Another server. */
  start(options?: VideoFfmpegOptions): Promise<TestServer>;
  /** A server with other plugins or origins, closed at the end. */
  startWith(plugins: PluginList, config?: MediatapConfig): Promise<TestServer>;
  /** How each rung is made, and why. */
  made(file: string, rungs?: string, steps?: readonly Step[], from?: TestServer): Promise<readonly string[]>;
}

/** A suite about streams that are packaged without encoding. */
export function describeRemuxing(title: string, suite: (remuxing: Remuxing) => void): void {
  describeWith(FFMPEG, title, () => {
    let studio: Studio;
    let server: TestServer;
    const servers: TestServer[] = [];

    async function startWith(plugins: PluginList, config: MediatapConfig = {}): Promise<TestServer> {
      const endpoints = { default: { origins: Object.keys(config.origins ?? { files: {} }) } };
      const started = await serve(studio, [streamLanguage(), ...plugins], {
        endpoints,
        server: { explain: true },
        ...config,
      });
      servers.push(started);
      return started;
    }
    const start = (options: VideoFfmpegOptions = {}) =>
      startWith([storageFs(), videoFfmpeg(options), videoRemux()]);

    before(async () => {
      studio = await openStudio();
      await Promise.all([
        studio.make("clip.mp4", ...testPicture(13), ...mp4()),
        studio.make("count.mp4", ...numbered(13, "30000/1001"), ...mp4(60)),
      ]);
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
      startWith,
      async made(file, rungs = "720", steps = [], from = server) {
        const query = steps.length > 0 ? `&steps=${encodeURIComponent(JSON.stringify(steps))}` : "";
        const url = `/${file}/master.m3u8?sr=${rungs}${query}`;
        const { text } = await from.ask(`/-/explain?url=${encodeURIComponent(url)}`);
        return [...text.matchAll(/"made":"([^"]*)"/g)].map(([, words]) => words as string);
      },
    });
  });
}
