import { MediaError, type StepOf } from "@mediatap/core";
import { evaluate, parentScope, placeLayer, scopeOf } from "@mediatap/core/steps";
import type { GraphBuilder, LayerOf } from "./builder.ts";
import type { ImageLayer } from "./model.ts";
import { DEFAULT_FONT_RATIO } from "./subtitles.ts";
import type { Clock, Times } from "./timeline.ts";
import { same, seconds } from "./units.ts";

type Overlay = StepOf<"overlay">;

/** Lays an image, a text, a video or subtitles on frames. */
export function overlay(step: Overlay, graph: GraphBuilder): void {
  const { layer, blend } = step;
  if (blend) throw new MediaError("EUNSUPPORTED", `Not supported on videos: the layer mode ${blend.mode}`);
  // Frames must have their form before the layer's position is known.
  graph.add();
  if (layer.kind === "video") layVideo(step, layer, graph);
  else if (layer.kind === "subtitles") laySubtitles(step, layer, graph);
  else layImage(step, graph);
}

/** Commas separate filters. */
const between = ({ start, end }: Times, clock: Clock, offset: number): string =>
  `enable=between(t\\,${seconds(clock(start, offset))}\\,${seconds(clock(end, offset) - END_MARGIN_SECONDS)})`;

/** The frame at its end is the first without the layer. */
const END_MARGIN_SECONDS = 0.001;

/** Drawn by the image engine at its position on a transparent canvas, so that layers lie as on images. */
function layImage(step: Overlay, graph: GraphBuilder): void {
  const time = graph.timesOf(step);
  const layer: ImageLayer = graph.input({
    kind: "layer",
    step,
    base: graph.current,
    ...(time && { time }),
  });
  const clock = graph.timeline.clock();
  graph.add(({ from, to, extra, offset }) => {
    const enable = time ? `:${between(time, clock, offset)}` : "";
    return [`[${from}][${extra(layer)}]overlay=0:0${enable}[${to}]`];
  });
}

function layVideo(step: Overlay, own: LayerOf<"video">, graph: GraphBuilder): void {
  const video = graph.video(step, own);
  const { time, file } = video;
  const { picture } = video.graph;
  if (!picture) throw new MediaError("EINVAL", "Expected a layer with a video track");
  const [clock, base, layer] = [graph.timeline.clock(), graph.current, picture.size];
  const original = file.probe.video ?? { width: 0, height: 0 };
  const sizes = { base, layer, original };
  const { left, top, shown } = placeLayer(step.place, sizes, { originalDuration: file.probe.duration });
  const cut = same(shown, layer)
    ? ""
    : `crop=${shown.width}:${shown.height}:${shown.left}:${shown.top}:exact=1,`;
  graph.add(({ from, to, label, extra, offset }) => {
    const [inner, front] = [label(), label()];
    const start = seconds(clock(time.start, offset));
    return [
      picture.wire({ from: extra(video), to: inner, extra, prefix: `${inner}x` }),
      `[${inner}]${cut}setpts=PTS-STARTPTS+${start}/TB[${front}]`,
      `[${from}][${front}]overlay=${left}:${top}:eof_action=pass:${between(time, clock, offset)}[${to}]`,
    ];
  });
}

function laySubtitles(step: Overlay, { path, style }: LayerOf<"subtitles">, graph: GraphBuilder): void {
  const { current: base, timeline } = graph;
  const { files, tools } = graph.context;
  if (!files) throw new MediaError("EUNSUPPORTED", "Not supported in streams: subtitles burnt in");
  if (!tools.filters.has("ass")) {
    throw new MediaError("EUNSUPPORTED", "Not supported here: this server's ffmpeg cannot draw subtitles");
  }
  const time = graph.timesOf(step);
  const [clock, sourceClock] = [timeline.clock(), timeline.sourceClock()];
  const scope = scopeOf(graph.original, base, { ...graph.scope, ...parentScope(base) });
  const size = style.size === undefined ? base.height * DEFAULT_FONT_RATIO : evaluate(style.size, scope);
  const font = style.font === undefined ? undefined : files.font(style.font);
  const name = `subtitles-${graph.subtitles.length}`;
  graph.subtitles.push(() => {
    const from = time ? clock(time.start, 0) : 0;
    const to = time ? clock(time.end, 0) : Number.POSITIVE_INFINITY;
    const cues = files.cues(path).flatMap((cue) => {
      const start = Math.max(from, sourceClock(cue.start));
      const end = Math.min(to, sourceClock(cue.end));
      return end > Math.max(0, start) ? [{ ...cue, start, end }] : [];
    });
    return { name, cues, style, size, base, ...(font && { font }) };
  });
  graph.add(({ from, to, offset }) => {
    const [shift, back] = offset === 0 ? ["", ""] : [`setpts=PTS+${offset}/TB,`, `,setpts=PTS-${offset}/TB`];
    return [`[${from}]${shift}ass=f=${name}.ass:fontsdir=${name}-fonts${back}[${to}]`];
  });
}
