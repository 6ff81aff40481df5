import { type Plugin, parseOptions, remembering } from "@mediatap/core";
import type { Engine } from "./engine.ts";
import { NAME, VERSION, type VideoFfmpegOptions, videoFfmpegSchema } from "./options.ts";
import { probe } from "./probe.ts";
import { findTools } from "./tools.ts";

export type { VideoFfmpegOptions } from "./options.ts";

/** Makes videos, their streams and stills with ffmpeg. */
export function videoFfmpeg(options: VideoFfmpegOptions = {}): Plugin {
  const settings = parseOptions(videoFfmpegSchema, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apply({ hooks, logger, shared, fingerprint }) {
      fingerprint(`${NAME}@${VERSION} ${JSON.stringify(settings)}`);
      const found = shared(`${NAME}.tools ${JSON.stringify(settings)}`, () => ({
        tools: findTools(settings),
      }));
      found.tools.catch(() => {});
      const engine: Engine = { settings, tools: () => found.tools, logger };
      const readProbe = remembering(async (source, flight) =>
        probe(source, flight, await engine.tools(), settings),
      );
      hooks.inspect.for("probe").tapPromise(NAME, readProbe as never);
    },
  };
}

export default videoFfmpeg;
