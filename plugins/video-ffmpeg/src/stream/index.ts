import { type Job, MediaError, type Plan, type PluginApi, type StreamPart } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { type Ladder, NAME } from "../options.ts";
import { createGathering } from "./batch.ts";
import type { Parts } from "./boxes.ts";
import { lackOf } from "./codecs.ts";
import { secondsOf, segmentsOf, shortestOf, stillGrid } from "./grid.ts";
import { encoded, ladderOf, rungOf } from "./ladder.ts";
import { type Layout, layoutOf, type Sound } from "./layout.ts";
import { type Asked, renditionOf } from "./part.ts";
import { dashMaster, hlsMaster, hlsPlaylist, hlsTexts, SOUND, STILLS } from "./playlists.ts";
import { createAhead } from "./prefetch.ts";
import { previewsOf, previewTrack, sheetsOf } from "./previews.ts";
import { copiedOf, whyEncoded } from "./remux.ts";
import { copiedInitPlan, copiedPlan } from "./remux-plans.ts";
import { type PictureTrack, pictureInit, picturePlan, soundInit, soundPlan } from "./segments.ts";
import { sheetPlan } from "./sprites.ts";
import { textPart } from "./subtitle-part.ts";
import { createTexts, type Found } from "./subtitles.ts";

const HLS = "application/vnd.apple.mpegurl";
const DASH = "application/dash+xml";

/** Tracks of pictures by their names: rungs of H.264 have no codec in it. */
const PICTURES = /^([1-9]\d{2,3})(?:-(av1|hevc))?$/;

/** Makes the parts of streams, each when a player asks for it. */
export function tapStreams(api: PluginApi, engine: Engine): void {
  const { hooks } = api;
  const { ladders } = engine.settings;
  const ahead = createAhead(api, (track) => PICTURES.test(track));
  const gathering = createGathering<Parts>();
  const texts = createTexts(engine.settings.subtitles);
  hooks.transform.tapPromise(NAME, async (job, source, context) => {
    const part = job.transformation.output.video?.part;
    if (!part) return undefined;
    const layout = await layoutOf(job, source, context, engine);
    return planOf(part, { job, source, context, layout });
  });

  hooks.respond.tap(NAME, ({ status }, exchange) => {
    // Browsers that play HLS themselves ask for ranges from 0 on.
    if (status === 200 || status === 206) ahead.sent(exchange);
  });

  function previewPlan(part: Extract<StreamPart, { kind: "previews" | "sheet" }>, asked: Asked): Plan {
    const { pictures, duration } = asked.layout;
    if (!pictures) throw nothingThere();
    const previews = previewsOf(pictures.size, duration);
    if (part.kind === "sheet") {
      if (part.index >= sheetsOf(previews)) throw nothingThere();
      return sheetPlan(engine, asked, pictures, previews, part.index);
    }
    const text = previewTrack(previews, duration);
    return textPlan(asked.job, "text/vtt; charset=utf-8", "vtt", text, { previews });
  }

  /** Subtitles of a track, whose name is settled. */
  async function openText(track: string, { job, context }: Asked) {
    const language = texts.languageOf(track);
    const source = language && (await texts.open(job.asset, language, context));
    if (!source) throw nothingThere();
    return source;
  }

  /** Of H.264 ffmpeg tells by itself, and not all of it is encoded. */
  async function assertWritable(ladder: Ladder): Promise<void> {
    const lack = ladder === "h264" ? undefined : lackOf(ladder, await engine.tools());
    if (lack) throw new MediaError("EUNSUPPORTED", `Not supported here (option ladders): ${lack}`);
  }

  async function planOf(part: StreamPart, asked: Asked): Promise<Plan> {
    switch (part.kind) {
      case "master":
        await Promise.all(ladders.map(assertWritable));
        return masterPlan(part, asked, ladders, await texts.find(asked.job.asset, asked.context));
      case "text":
        return textPart(await openText(part.track, asked), asked, part.track);
      case "playlist": {
        if (texts.languageOf(part.track)) {
          await openText(part.track, asked);
          const text = hlsTexts(part.track, asked.layout.duration);
          return textPlan(asked.job, HLS, "hls", text, { playlist: part.track });
        }
        const { grid } = trackOf(part.track, asked.layout, ladders);
        return textPlan(asked.job, HLS, "hls", hlsPlaylist(part.track, grid), {
          playlist: part.track,
          segments: segmentsOf(grid),
        });
      }
      case "init": {
        const track = trackOf(part.track, asked.layout, ladders);
        if (isSound(track)) return soundInit(engine);
        await assertWritable(track.rung.ladder);
        return track.copied ? copiedInitPlan(track.rung, track.copied) : pictureInit(engine, asked, track);
      }
      case "segment": {
        const track = trackOf(part.track, asked.layout, ladders);
        if (part.index >= segmentsOf(track.grid)) throw nothingThere();
        if (isSound(track)) return soundPlan(engine, asked, track, part.index);
        await assertWritable(track.rung.ladder);
        return track.copied
          ? copiedPlan(asked, track.grid, track.rung, track.copied, part.index)
          : picturePlan(engine, gathering, asked, track, part.index);
      }
      case "previews":
      case "sheet":
        return previewPlan(part, asked);
      default:
        throw nothingThere();
    }
  }
}

function masterPlan(
  { protocol, rungs: names }: Extract<StreamPart, { kind: "master" }>,
  asked: Asked,
  ladders: readonly Ladder[],
  { texts, doubtful }: Found,
): Plan {
  const { pictures, sound } = asked.layout;
  if (!pictures) throw new MediaError("EINVAL", "sr: Expected a source with a video track");
  if (names.length === 0) throw new MediaError("EINVAL", "sr: Expected at least one resolution");
  const { rate, grid, size } = pictures;
  const segment = secondsOf(grid, shortestOf(grid));
  const rungs = ladders.flatMap((ladder) => ladderOf(names, size, rate, ladder));
  const stream = {
    rate,
    rungs: rungs.map((rung) => copiedOf(rung, pictures.remuxed)?.offer ?? encoded(rung, segment)),
    pictures: grid,
    ...(sound && { sound: sound.grid }),
    texts,
  };
  const explanation = {
    master: protocol,
    rungs: stream.rungs.map((rung) => {
      const why = whyEncoded(rung, pictures.remuxed);
      return { ...rung, made: why === undefined ? "copied" : `encoded: ${why}` };
    }),
    sound: sound !== undefined,
    texts,
  };
  return protocol === "hls"
    ? textPlan(asked.job, HLS, "hls", hlsMaster(stream), explanation, doubtful)
    : textPlan(asked.job, DASH, "dash", dashMaster(stream), explanation, doubtful);
}

/** The grid of a track, and of pictures their rung. Throws `ENOENT` where there is no such track. */
function trackOf(
  name: string,
  { pictures, sound }: Layout,
  ladders: readonly Ladder[],
): Sound | PictureTrack {
  if (name === SOUND) {
    if (!sound) throw nothingThere();
    return sound;
  }
  const stills = name.startsWith(STILLS);
  const [, height, codec = "h264"] = PICTURES.exec(stills ? name.slice(STILLS.length) : name) ?? [];
  const ladder = ladders.find((one) => one === codec && !(stills && one !== "h264"));
  const rung = pictures && ladder && rungOf(Number(height), pictures.size, pictures.rate, ladder);
  if (!rung) throw nothingThere();
  const grid = stills ? stillGrid(pictures.grid) : pictures.grid;
  const copied = stills ? undefined : copiedOf(rung, pictures.remuxed);
  return { grid, rung, pictures: { ...pictures, grid }, ...(copied && { copied }) };
}

const isSound = (track: Sound | PictureTrack): track is Sound => "filters" in track;

const nothingThere = () => new MediaError("ENOENT", "The stream has no such part");

/** `degraded`: the next time there may be more of it. */
function textPlan(
  job: Job,
  type: string,
  format: string,
  text: string,
  explanation: object,
  degraded = false,
): Plan {
  return {
    engine: NAME,
    lane: "light",
    cost: 1,
    memory: text.length,
    explain: () => explanation,
    run: async () => ({
      ...renditionOf(Buffer.from(text), type, format),
      links: job,
      ...(degraded && { degraded }),
    }),
  };
}
