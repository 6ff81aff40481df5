import { partName, slot } from "@mediatap/core/stream";
import { framesAt, type Grid, iframeGrid, longestOf, type Rate, secondsOf, segmentsOf } from "./grid.ts";
import { codecOf, trackNameOf as track, type Variant } from "./ladder.ts";
import type { SubtitleTrack } from "./subtitles.ts";

/** Name of the audio track, and of its group. */
export const AUDIO_TRACK = "audio";
const AUDIO_CODEC = "mp4a.40.2";
/** Bits a second of a constant quality: typical ones, and the most that music took. */
const AUDIO_AVERAGE_BITRATE = 128_000;
const AUDIO_PEAK_BITRATE = 256_000;

/** Name of the group of all subtitles. */
const SUBTITLES = "subtitles";
/** Estimated bits a second of subtitles. */
const SUBTITLES_BITRATE = 1_000;

/** Beginning of the name of an I-frame track. */
export const IFRAMES = "iframes-";

/** What a stream consists of. */
export interface Stream {
  readonly rate: Rate;
  /** Those of H.264 first. */
  readonly variants: readonly Variant[];
  readonly video: Grid;
  /** Left out: it is silent. */
  readonly audio?: Grid;
  readonly subtitles: readonly SubtitleTrack[];
}

const playlistOf = (name: string) => slot(partName({ kind: "playlist", track: name }));

/** The master playlist (RFC 8216 §4.3.4). */
export function hlsMaster({ rate, variants, video, audio, subtitles }: Stream): string {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"];
  if (audio) {
    lines.push(
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="${AUDIO_TRACK}",NAME="${AUDIO_TRACK}",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="${playlistOf(AUDIO_TRACK)}"`,
    );
  }
  for (const { track, language, label } of subtitles) {
    const name = `NAME="${label}",${language ? `LANGUAGE="${language}",` : ""}`;
    lines.push(
      `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="${SUBTITLES}",${name}DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="${playlistOf(track)}"`,
    );
  }
  for (const variant of variants) {
    const attributes = [
      `BANDWIDTH=${variant.peak + (audio ? AUDIO_PEAK_BITRATE : 0)}`,
      `AVERAGE-BANDWIDTH=${variant.average + (audio ? AUDIO_AVERAGE_BITRATE : 0)}`,
      `CODECS="${variant.codec}${audio ? `,${AUDIO_CODEC}` : ""}"`,
      `RESOLUTION=${variant.width}x${variant.height}`,
      `FRAME-RATE=${(rate.n / rate.d).toFixed(3)}`,
      ...(audio ? [`AUDIO="${AUDIO_TRACK}"`] : []),
      ...(subtitles.length > 0 ? [`SUBTITLES="${SUBTITLES}"`] : []),
    ];
    lines.push(`#EXT-X-STREAM-INF:${attributes.join(",")}`, playlistOf(track(variant)));
  }
  const [lowest] = variants;
  if (lowest) {
    const attributes = [
      // One frame takes no more than the second that may be buffered.
      `BANDWIDTH=${Math.ceil((lowest.maxrate * 1.02) / secondsOf(video, iframeGrid(video).frames))}`,
      `CODECS="${codecOf(lowest)}"`,
      `RESOLUTION=${lowest.width}x${lowest.height}`,
      `URI="${playlistOf(IFRAMES + track(lowest))}"`,
    ];
    lines.push(`#EXT-X-I-FRAME-STREAM-INF:${attributes.join(",")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** A media playlist (RFC 8216 §4.3.3). */
const mediaPlaylist = (longest: number, ...lines: readonly string[]): string =>
  [
    "#EXTM3U",
    "#EXT-X-VERSION:7",
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(longest))}`,
    "#EXT-X-MEDIA-SEQUENCE:0",
    "#EXT-X-PLAYLIST-TYPE:VOD",
    ...lines,
    "#EXT-X-ENDLIST\n",
  ].join("\n");

/** The segments of a track of video or audio. */
export const hlsPlaylist = (name: string, grid: Grid): string =>
  mediaPlaylist(
    secondsOf(grid, longestOf(grid)),
    grid.iframesOnly ? "#EXT-X-I-FRAMES-ONLY" : "#EXT-X-INDEPENDENT-SEGMENTS",
    `#EXT-X-MAP:URI="${slot(partName({ kind: "init", track: name }))}"`,
    ...Array.from({ length: segmentsOf(grid) }, (_, index) => [
      `#EXTINF:${secondsOf(grid, framesAt(grid, index)).toFixed(6)},`,
      slot(partName({ kind: "segment", track: name, index })),
    ]).flat(),
  );

/** The one file of a track of subtitles. Its times are those of the stream, whose video begins at 0. */
export const hlsSubtitles = (name: string, duration: number): string =>
  mediaPlaylist(duration, `#EXTINF:${duration.toFixed(6)},`, slot(partName({ kind: "text", track: name })));

/** The same stream for DASH (ISO 23009-1). */
export function dashManifest({ rate, variants, video, audio, subtitles }: Stream): string {
  const segment = secondsOf(video, video.frames);
  const duration = secondsOf(video, video.total);
  const lines = [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" minBufferTime="PT${segment.toFixed(3)}S" mediaPresentationDuration="PT${duration.toFixed(6)}S">`,
    `  <Period id="0" start="PT0S" duration="PT${duration.toFixed(6)}S">`,
  ];
  // One set for each codec: players choose the one that they can play.
  for (const [at, set] of Object.values(Object.groupBy(variants, ({ ladder }) => ladder)).entries()) {
    lines.push(
      `    <AdaptationSet id="${at === 0 ? 0 : subtitles.length + 1 + at}" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" frameRate="${rate.d === 1 ? rate.n : `${rate.n}/${rate.d}`}">`,
      ...segmentTemplate(video),
      ...set.map(
        (one) =>
          `      <Representation id="${track(one)}" codecs="${one.codec}" bandwidth="${one.peak}" width="${one.width}" height="${one.height}" sar="1:1"/>`,
      ),
      `    </AdaptationSet>`,
    );
  }
  if (audio) {
    lines.push(
      `    <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">`,
      ...segmentTemplate(audio),
      `      <Representation id="${AUDIO_TRACK}" codecs="${AUDIO_CODEC}" bandwidth="${AUDIO_PEAK_BITRATE}" audioSamplingRate="${audio.timescale}">`,
      `        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>`,
      `      </Representation>`,
      `    </AdaptationSet>`,
    );
  }
  for (const [at, { track, language = "und", label }] of subtitles.entries()) {
    lines.push(
      `    <AdaptationSet id="${at + 2}" contentType="text" mimeType="text/vtt" lang="${language}">`,
      `      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>`,
      `      <Label>${label}</Label>`,
      `      <Representation id="${track}" bandwidth="${SUBTITLES_BITRATE}">`,
      `        <BaseURL>${slot(partName({ kind: "text", track }))}</BaseURL>`,
      `      </Representation>`,
      `    </AdaptationSet>`,
    );
  }
  return [...lines, "  </Period>", "</MPD>\n"].join("\n");
}

/** Exact durations, so that no player requests a segment after the last one because of rounding. */
function segmentTemplate(grid: Grid): readonly string[] {
  const { timescale, frame } = grid;
  const runs: { duration: number; count: number }[] = [];
  for (let index = 0; index < segmentsOf(grid); index++) {
    const duration = framesAt(grid, index) * frame;
    const last = runs.at(-1);
    if (last?.duration === duration) last.count++;
    else runs.push({ duration, count: 1 });
  }
  const id = "$RepresentationID$";
  return [
    `      <SegmentTemplate timescale="${timescale}" startNumber="0" initialization="${slot(`${id}-init.mp4`)}" media="${slot(`${id}-$Number$.m4s`)}">`,
    `        <SegmentTimeline>`,
    ...runs.map(({ duration, count }, at) => {
      const repeats = count > 1 ? ` r="${count - 1}"` : "";
      return `          <S ${at === 0 ? `t="0" ` : ""}d="${duration}"${repeats}/>`;
    }),
    `        </SegmentTimeline>`,
    `      </SegmentTemplate>`,
  ];
}
