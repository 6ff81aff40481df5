import { MediaError, type Probe, type Size, type Step, type StepOf } from "@mediatap/core";
import { evaluate, parentScope, type Scope, scopeOf } from "@mediatap/core/steps";
import type { MaskOptions } from "./mask.ts";
import type { Graph, GraphContext, LayerOptions, VideoLayer } from "./model.ts";
import { mixed, type Track } from "./sound.ts";
import { type SubtitleOptions, USUAL_SIZE } from "./subtitles.ts";
import { showing, type Timeline, type Times } from "./timeline.ts";

/** Notes what filters read beside the video. */
export interface Overlays {
  layer(step: StepOf<"overlay">): LayerOptions;
  mask(request: MaskOptions): MaskOptions;
  video(step: StepOf<"overlay">): { readonly video: VideoLayer; readonly time: Times };
  /** The name of its files. */
  subtitles(step: StepOf<"overlay">): string;
}

/** What layers are laid on. */
export interface Ground {
  readonly original: Size;
  /** Size of the picture at this point. */
  readonly current: () => Size;
  readonly context: GraphContext;
  readonly scope: Scope;
  readonly timeline: Timeline;
  /** Where sound of layers is mixed in. */
  readonly track: Track;
  /** Lays out the steps of a layer. */
  readonly graphOf: (steps: readonly Step[], probe: Probe, context: GraphContext) => Graph;
}

/** Gathers layers while steps are laid out. */
export function createOverlays({ original, current, context, scope, timeline, track, graphOf }: Ground) {
  const { files, tools } = context;
  const layers: LayerOptions[] = [];
  const masks: MaskOptions[] = [];
  const videos: VideoLayer[] = [];
  const subtitles: (() => SubtitleOptions)[] = [];

  function timesOf(overlay: StepOf<"overlay">): Times | undefined {
    const { lasts } = timeline;
    return showing(overlay, lasts, scopeOf(original, current(), { ...scope, parentDuration: lasts }));
  }

  const overlays: Overlays = {
    layer(overlay) {
      const time = timesOf(overlay);
      const request: LayerOptions = { kind: "layer", step: overlay, base: current(), ...(time && { time }) };
      layers.push(request);
      return request;
    },
    mask(request) {
      masks.push(request);
      return request;
    },
    video(overlay) {
      const { layer } = overlay;
      if (layer.kind !== "video") throw new TypeError("Expected a layer of a video");
      if (!files) throw new MediaError("EUNSUPPORTED", "Not supported in streams: layers of videos");
      const file = files.video(layer.path);
      const { lasts } = timeline;
      const inner: Scope = { ...parentScope(current()), parentDuration: lasts };
      const graph = graphOf(layer.steps, file.probe, { ...context, keepsAlpha: true, scope: inner });
      const time = timesOf(overlay) ?? { start: 0, end: lasts };
      const shown = Math.min(time.end, lasts) - time.start;
      // An animation goes on as long as it is to be seen.
      const seconds = file.demuxer === "gif" ? shown : Math.min(shown, graph.duration);
      const request: VideoLayer = { kind: "video", file, graph, seconds };
      videos.push(request);
      if (graph.isAudible) {
        const clock = timeline.clock();
        track.pieces.push(mixed(request, () => clock(time.start, 0)));
        track.isMixed = true;
        track.gain = Math.max(track.gain, 1);
      }
      return { video: request, time: { start: time.start, end: time.start + seconds } };
    },
    subtitles(overlay) {
      const { layer } = overlay;
      if (layer.kind !== "subtitles") throw new TypeError("Expected a layer of subtitles");
      if (!files) throw new MediaError("EUNSUPPORTED", "Not supported in streams: subtitles burnt in");
      if (!tools.filters.has("ass")) {
        throw new MediaError(
          "EUNSUPPORTED",
          "Not supported here: this server's ffmpeg cannot draw subtitles",
        );
      }
      const { path, style } = layer;
      const base = current();
      const [clock, sourceClock, time] = [timeline.clock(), timeline.sourceClock(), timesOf(overlay)];
      const inside = scopeOf(original, base, {
        ...scope,
        parentWidth: base.width,
        parentHeight: base.height,
      });
      const size = style.size === undefined ? base.height * USUAL_SIZE : evaluate(style.size, inside);
      const font = style.font === undefined ? undefined : files.font(style.font);
      const name = `subtitles-${subtitles.length}`;
      subtitles.push(() => {
        // What is said belongs to the source's own time.
        const from = time ? clock(time.start, 0) : 0;
        const to = time ? clock(time.end, 0) : Number.POSITIVE_INFINITY;
        const cues = files.cues(path).flatMap((cue) => {
          const start = Math.max(from, sourceClock(cue.start));
          const end = Math.min(to, sourceClock(cue.end));
          return end > Math.max(0, start) ? [{ ...cue, start, end }] : [];
        });
        return { name, cues, style, size, base, ...(font && { font }) };
      });
      return name;
    },
  };

  return {
    overlays,
    /** All of them, once all steps are laid out. */
    gathered: (): Pick<Graph, "layers" | "masks" | "videos" | "subtitles"> => ({
      layers,
      masks,
      videos,
      subtitles: subtitles.map((finish) => finish()),
    }),
  };
}
