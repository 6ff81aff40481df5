import { type Job, MediaError, type Plan, type PluginApi, type StreamPart } from "@mediatap/core";
import { type Engine, renditionOf } from "../engine.ts";
import { type Ladder, NAME } from "../options.ts";
import { Batcher } from "./batch.ts";
import { assertWritable } from "./codecs.ts";
import type { Fragment } from "./fmp4.ts";
import { iframeGrid, secondsOf, segmentsOf, shortestOf } from "./grid.ts";
import { encodedVariant, ladderOf, rungOf } from "./ladder.ts";
import { type AudioLayout, type Layout, layoutOf, type PartRequest } from "./layout.ts";
import { AUDIO_TRACK, dashManifest, hlsMaster, hlsPlaylist, hlsSubtitles, IFRAMES } from "./playlists.ts";
import { createPrefetch } from "./prefetch.ts";
import { remuxedInit, remuxedRung, remuxedSegment, remuxedVariant, whyEncoded } from "./remux.ts";
import {
  audioInit,
  audioSegment,
  type PartPlan,
  type VideoTrack,
  videoInit,
  videoSegment,
} from "./segments.ts";
import { createSubtitles, type SubtitleSearch, subtitlePart } from "./subtitles.ts";
import { sheetsOf, spriteSheet, thumbnailsOf, thumbnailTrack } from "./thumbnails.ts";

/** Types and short names of the text parts. */
const HLS = ["application/vnd.apple.mpegurl", "hls"] as const;
const DASH = ["application/dash+xml", "dash"] as const;
const WEBVTT = ["text/vtt; charset=utf-8", "vtt"] as const;

/** Names of video tracks: those of H.264 contain no codec. */
const VIDEO_TRACK_NAME = /^([1-9]\d{2,3})(?:-(av1|hevc))?$/;

/** Makes the parts of streams, each when a player requests it. */
export function tapStreams(api: PluginApi, engine: Engine): void {
  const { hooks } = api;
  const { ladders } = engine.settings;
  const prefetch = createPrefetch(api, (track) => VIDEO_TRACK_NAME.test(track));
  const batcher = new Batcher<Fragment>();
  const subtitles = createSubtitles(engine.settings.subtitles);
  hooks.transform.tapPromise(NAME, async (job, source, context) => {
    const part = job.transformation.output.video?.part;
    if (!part) return undefined;
    const layout = await layoutOf(engine, job, source, context);
    return { engine: NAME, ...(await planOf(part, { engine, job, source, context, layout })) } satisfies Plan;
  });

  hooks.respond.tap(NAME, ({ status }, exchange) => {
    // Browsers that play HLS request ranges from 0 on.
    if (status === 200 || status === 206) prefetch(exchange);
  });

  async function openSubtitles(track: string, { job, context }: PartRequest) {
    const language = subtitles.languageOf(track);
    const source = language && (await subtitles.open(job.asset, language, context));
    if (!source) throw noSuchPart();
    return source;
  }

  async function planOf(part: StreamPart, request: PartRequest): Promise<PartPlan> {
    const { job, context, layout } = request;
    const { duration } = layout;
    switch (part.kind) {
      case "master": {
        const tools = await engine.tools();
        for (const ladder of ladders) assertWritable(ladder, tools);
        return masterPlan(part, request, await subtitles.find(job.asset, context));
      }
      case "text":
        return subtitlePart(await openSubtitles(part.track, request), request, part.track);
      case "playlist": {
        const playlist = part.track;
        if (subtitles.languageOf(playlist)) {
          await openSubtitles(playlist, request);
          return textPlan(job, HLS, hlsSubtitles(playlist, duration), { playlist });
        }
        const { grid } = trackOf(playlist, layout, ladders);
        return textPlan(job, HLS, hlsPlaylist(playlist, grid), { playlist, segments: segmentsOf(grid) });
      }
      case "init": {
        const track = trackOf(part.track, layout, ladders);
        if (!("rung" in track)) return audioInit(engine);
        assertWritable(track.rung.ladder, await engine.tools());
        return track.remuxed ? remuxedInit(track.rung, track.remuxed) : videoInit(request, track);
      }
      case "segment": {
        const track = trackOf(part.track, layout, ladders);
        if (part.index >= segmentsOf(track.grid)) throw noSuchPart();
        if (!("rung" in track)) return audioSegment(request, track, part.index);
        assertWritable(track.rung.ladder, await engine.tools());
        return track.remuxed
          ? remuxedSegment(request.source, track.grid, track.rung, track.remuxed, part.index)
          : videoSegment(batcher, request, track, part.index);
      }
      case "previews":
      case "sheet": {
        if (!layout.video) throw noSuchPart();
        const previews = thumbnailsOf(layout.video.size, duration);
        if (part.kind === "previews") {
          return textPlan(job, WEBVTT, thumbnailTrack(previews, duration), { previews });
        }
        if (part.index >= sheetsOf(previews)) throw noSuchPart();
        return spriteSheet(request, layout.video, previews, part.index);
      }
      default:
        throw noSuchPart();
    }
  }
}

function masterPlan(
  { protocol, rungs: names }: Extract<StreamPart, { kind: "master" }>,
  { engine, job, layout: { video, audio } }: PartRequest,
  { subtitles, incomplete }: SubtitleSearch,
): PartPlan {
  if (!video) throw new MediaError("EINVAL", "sr: Expected a source with a video track");
  if (names.length === 0) throw new MediaError("EINVAL", "sr: Expected at least one resolution");
  const { rate, grid, size } = video;
  const shortest = secondsOf(grid, shortestOf(grid));
  const variants = engine.settings.ladders
    .flatMap((ladder) => ladderOf(names, size, rate, ladder))
    .map((rung) => {
      const remuxed = remuxedRung(rung, video.remuxed);
      return remuxed ? remuxedVariant(rung, remuxed) : encodedVariant(rung, shortest);
    });
  const explanation = {
    master: protocol,
    rungs: variants.map((variant) => {
      const why = whyEncoded(variant, video.remuxed);
      return { ...variant, made: why === undefined ? "copied" : `encoded: ${why}` };
    }),
    sound: audio !== undefined,
    texts: subtitles,
  };
  const stream = { rate, variants, video: grid, ...(audio && { audio: audio.grid }), subtitles };
  return protocol === "hls"
    ? textPlan(job, HLS, hlsMaster(stream), explanation, incomplete)
    : textPlan(job, DASH, dashManifest(stream), explanation, incomplete);
}

/** A track by its name. Throws `ENOENT` if there is none. */
function trackOf(
  name: string,
  { video, audio }: Layout,
  ladders: readonly Ladder[],
): AudioLayout | VideoTrack {
  if (name === AUDIO_TRACK && audio) return audio;
  const iframes = name.startsWith(IFRAMES);
  const [, height, codec = "h264"] = VIDEO_TRACK_NAME.exec(iframes ? name.slice(IFRAMES.length) : name) ?? [];
  const ladder = ladders.find((candidate) => candidate === codec && !(iframes && candidate !== "h264"));
  const rung = video && ladder && rungOf(Number(height), video.size, video.rate, ladder);
  if (!rung) throw noSuchPart();
  const grid = iframes ? iframeGrid(video.grid) : video.grid;
  const remuxed = iframes ? undefined : remuxedRung(rung, video.remuxed);
  return { grid, rung, video: { ...video, grid }, ...(remuxed && { remuxed }) };
}

const noSuchPart = () => new MediaError("ENOENT", "The stream has no such part");

/** `degraded`: the next response may contain more. */
const textPlan = (
  job: Job,
  [type, format]: readonly [type: string, format: string],
  text: string,
  explanation: object,
  degraded = false,
): PartPlan => ({
  lane: "light",
  cost: 1,
  memory: text.length,
  explain: () => explanation,
  run: async () => ({
    ...renditionOf(Buffer.from(text), type, format),
    links: job,
    ...(degraded && { degraded }),
  }),
});
