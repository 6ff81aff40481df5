import { partName, slot } from "@mediatap/core/stream";
import { framesAt, type Grid, longestOf, type Rate, secondsOf, segmentsOf, stillGrid } from "./grid.ts";
import { codecOf, type Offer, trackNameOf as track } from "./ladder.ts";
import type { Text } from "./subtitles.ts";

/** Name of the track of sound. */
export const SOUND = "audio";
export const SOUND_CODEC = "mp4a.40.2";
/** Bits a second: of constant quality, so what is common, and the most that music took. */
const SOUND_AVERAGE = 128_000;
const SOUND_PEAK = 256_000;

/** What a stream is made of. */
export interface Stream {
  readonly rate: Rate;
  /** Those of H.264 first. */
  readonly rungs: readonly Offer[];
  readonly pictures: Grid;
  /** Left out: it is silent. */
  readonly sound?: Grid;
  readonly texts: readonly Text[];
}

/** Name of the group of all subtitles. */
const TEXTS = "subtitles";
/** Bits a second that people read, about. */
const TEXT_RATE = 1_000;

/** Beginning of a track's name that has only key frames of a rung. */
export const STILLS = "iframes-";

/** The playlist that a player begins with (RFC 8216). */
export function hlsMaster({ rate, rungs, pictures, sound, texts }: Stream): string {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"];
  if (sound) {
    lines.push(
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="${SOUND}",NAME="${SOUND}",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="${slot(partName({ kind: "playlist", track: SOUND }))}"`,
    );
  }
  for (const { track, language, label } of texts) {
    const name = `NAME="${label}",${language ? `LANGUAGE="${language}",` : ""}`;
    lines.push(
      `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="${TEXTS}",${name}DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="${slot(partName({ kind: "playlist", track }))}"`,
    );
  }
  for (const rung of rungs) {
    const attributes = [
      `BANDWIDTH=${rung.peak + (sound ? SOUND_PEAK : 0)}`,
      `AVERAGE-BANDWIDTH=${rung.average + (sound ? SOUND_AVERAGE : 0)}`,
      `CODECS="${rung.codec}${sound ? `,${SOUND_CODEC}` : ""}"`,
      `RESOLUTION=${rung.width}x${rung.height}`,
      `FRAME-RATE=${(rate.n / rate.d).toFixed(3)}`,
      ...(sound ? [`AUDIO="${SOUND}"`] : []),
      ...(texts.length > 0 ? [`SUBTITLES="${TEXTS}"`] : []),
    ];
    lines.push(
      `#EXT-X-STREAM-INF:${attributes.join(",")}`,
      slot(partName({ kind: "playlist", track: track(rung) })),
    );
  }
  const [lowest] = rungs;
  if (lowest) {
    const attributes = [
      // One picture takes no more than the second that may be buffered.
      `BANDWIDTH=${Math.ceil((lowest.maxrate * 1.02) / secondsOf(pictures, stillGrid(pictures).frames))}`,
      `CODECS="${codecOf(lowest)}"`,
      `RESOLUTION=${lowest.width}x${lowest.height}`,
      `URI="${slot(partName({ kind: "playlist", track: STILLS + track(lowest) }))}"`,
    ];
    lines.push(`#EXT-X-I-FRAME-STREAM-INF:${attributes.join(",")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The segments of a track, for HLS. */
export function hlsPlaylist(name: string, grid: Grid): string {
  const longest = secondsOf(grid, longestOf(grid));
  const lines = [
    "#EXTM3U",
    "#EXT-X-VERSION:7",
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(longest))}`,
    "#EXT-X-MEDIA-SEQUENCE:0",
    "#EXT-X-PLAYLIST-TYPE:VOD",
    grid.stills ? "#EXT-X-I-FRAMES-ONLY" : "#EXT-X-INDEPENDENT-SEGMENTS",
    `#EXT-X-MAP:URI="${slot(partName({ kind: "init", track: name }))}"`,
  ];
  for (let index = 0; index < segmentsOf(grid); index++) {
    lines.push(
      `#EXTINF:${secondsOf(grid, framesAt(grid, index)).toFixed(6)},`,
      slot(partName({ kind: "segment", track: name, index })),
    );
  }
  return `${lines.join("\n")}\n#EXT-X-ENDLIST\n`;
}

/** The one file of a track of subtitles, for HLS. Its times are those of the stream, of which segments of pictures begin at 0. */
export function hlsTexts(name: string, duration: number): string {
  const lines = [
    "#EXTM3U",
    "#EXT-X-VERSION:7",
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(duration))}`,
    "#EXT-X-MEDIA-SEQUENCE:0",
    "#EXT-X-PLAYLIST-TYPE:VOD",
    `#EXTINF:${duration.toFixed(6)},`,
    slot(partName({ kind: "text", track: name })),
    "#EXT-X-ENDLIST",
  ];
  return `${lines.join("\n")}\n`;
}

/** The same stream for DASH (ISO 23009-1). */
export function dashMaster({ rate, rungs, pictures, sound, texts }: Stream): string {
  const segment = secondsOf(pictures, pictures.frames);
  const duration = secondsOf(pictures, pictures.total);
  const lines = [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" minBufferTime="PT${segment.toFixed(3)}S" mediaPresentationDuration="PT${duration.toFixed(6)}S">`,
    `  <Period id="0" start="PT0S" duration="PT${duration.toFixed(6)}S">`,
  ];
  // One set for each codec: players take that which they can play.
  for (const [at, set] of Object.values(Object.groupBy(rungs, ({ ladder }) => ladder)).entries()) {
    lines.push(
      `    <AdaptationSet id="${at === 0 ? 0 : texts.length + 1 + at}" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" frameRate="${rate.d === 1 ? rate.n : `${rate.n}/${rate.d}`}">`,
      ...template(pictures),
      ...set.map(
        (rung) =>
          `      <Representation id="${track(rung)}" codecs="${rung.codec}" bandwidth="${rung.peak}" width="${rung.width}" height="${rung.height}" sar="1:1"/>`,
      ),
      `    </AdaptationSet>`,
    );
  }
  if (sound) {
    lines.push(
      `    <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">`,
      ...template(sound),
      `      <Representation id="${SOUND}" codecs="${SOUND_CODEC}" bandwidth="${SOUND_PEAK}" audioSamplingRate="${sound.timescale}">`,
      `        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>`,
      `      </Representation>`,
      `    </AdaptationSet>`,
    );
  }
  for (const [at, { track, language = "und", label }] of texts.entries()) {
    lines.push(
      `    <AdaptationSet id="${at + 2}" contentType="text" mimeType="text/vtt" lang="${language}">`,
      `      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>`,
      `      <Label>${label}</Label>`,
      `      <Representation id="${track}" bandwidth="${TEXT_RATE}">`,
      `        <BaseURL>${slot(partName({ kind: "text", track }))}</BaseURL>`,
      `      </Representation>`,
      `    </AdaptationSet>`,
    );
  }
  lines.push("  </Period>", "</MPD>");
  return `${lines.join("\n")}\n`;
}

/** Exact lengths, so that nobody asks for a segment behind the last because of how it rounds. */
function template(grid: Grid): readonly string[] {
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
