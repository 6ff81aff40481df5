import { type Plugin, parseOptions, type Source } from "@mediatap/core";
import { memoizeInspector } from "@mediatap/core/decode";
import { examine } from "./doctor.ts";
import type { Engine } from "./engine.ts";
import { NAME, VERSION, type VideoFfmpegOptions, videoFfmpegSchema } from "./options.ts";
import { headerOf } from "./probe/header.ts";
import { findKeyFrames } from "./probe/key-frames.ts";
import { assertWithinLimits, probe } from "./probe/probe.ts";
import { closeTemp, temp } from "./process/temp.ts";
import { Toolbox } from "./process/tools.ts";
import { formatOf, SNIFF_LENGTH, videoDemuxerOf } from "./read/demuxer.ts";
import { closeLoopback } from "./read/loopback.ts";
import { tapStreams } from "./stream/index.ts";
import { tapTransform } from "./transcode/index.ts";
import { still } from "./transcode/still.ts";

export type { VideoFfmpegOptions } from "./options.ts";

/** Encodes videos, their streams and stills with ffmpeg. */
export function videoFfmpeg(options: VideoFfmpegOptions = {}): Plugin {
  const settings = parseOptions(videoFfmpegSchema, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply(api) {
      const { hooks, logger, shared, fingerprint } = api;
      const toolbox = shared(`${NAME}.tools ${JSON.stringify(settings)}`, () => new Toolbox(settings));
      // Closed with the last that uses it.
      shared(`${NAME}.temp`, () => ({ close: closeTemp }));
      shared(`${NAME}.loopback`, () => ({ close: closeLoopback }));
      const fingerprintOf = (version = "none") =>
        `${NAME}@${VERSION} ffmpeg@${version} ${JSON.stringify(settings)}`;
      fingerprint(prepare().then(fingerprintOf));
      const engine: Engine = { settings, tools: () => toolbox.tools() };
      const readProbe = memoizeInspector(async (source, context) =>
        probe(source, context, await engine.tools()),
      );
      hooks.inspect.for("probe").tapPromise(NAME, async (source, context) => {
        const probe = await readProbe(source, context);
        if (probe) assertWithinLimits(probe, context.limits);
        return probe;
      });

      hooks.inspect.for("keyFrames").tapPromise(
        NAME,
        memoizeInspector(async (source, context) => findKeyFrames(source, context, await engine.tools())),
      );

      const isVideo = async (source: Source) => videoDemuxerOf(await source.peek(SNIFF_LENGTH));
      hooks.inspect.for("kind").tapPromise(NAME, async (source) => {
        const demuxer = await isVideo(source);
        return demuxer === undefined ? undefined : { format: formatOf(demuxer), document: true };
      });
      hooks.inspect.for("header").tapPromise(NAME, async (source, context) => {
        return (await isVideo(source)) ? headerOf(source, context, settings) : undefined;
      });
      hooks.decode.tapPromise(NAME, (source, request, context) => still(engine, source, request, context));
      hooks.diagnose.tapPromise(NAME, (diagnosis) => examine(toolbox, settings, diagnosis));
      tapStreams(api, engine);
      tapTransform(api, engine);

      /** Finds what the start needs: temporary space, and the version of ffmpeg. */
      async function prepare(): Promise<string | undefined> {
        try {
          temp();
        } catch (err) {
          logger.warn({ err }, "videos are refused until there is space for temporary files");
        }
        try {
          return (await toolbox.program())?.version;
        } catch (err) {
          logger.warn({ err }, "ffmpeg is searched when the first video is requested");
          return undefined;
        }
      }
    },
  };
}

export default videoFfmpeg;
