/**
 * A part of a video's stream, as a player asks for it. A `track` is one rendition that players choose from: `360` (the picture
 * at that rung), `audio`, or whatever else an engine offers; letters, digits, `_` and inner hyphens that no part's name ends with.
 */
export type StreamPart =
  /** The playlist that a player begins with; `rungs` are heights. */
  | { readonly kind: "master"; readonly protocol: "hls" | "dash"; readonly rungs: readonly number[] }
  /** The segments of a track, for HLS. */
  | { readonly kind: "playlist"; readonly track: string }
  /** What a player needs of a track before its segments (ISO 14496-12 §8.16). */
  | { readonly kind: "init"; readonly track: string }
  /** Counted from 0. */
  | { readonly kind: "segment"; readonly track: string; readonly index: number }
  /** All that a track of subtitles says, as one WebVTT file. */
  | { readonly kind: "text"; readonly track: string }
  /** Small pictures to seek by, as a WebVTT file … */
  | { readonly kind: "previews" }
  /** … and the sheets that it points into, counted from 0. */
  | { readonly kind: "sheet"; readonly index: number }
  /** Any part that has a name: `*` stands for the name in a link to it. */
  | { readonly kind: "any" };

/** Parts that have names of their own: those that a master playlist leads to. */
export type NamedPart = Extract<
  StreamPart,
  { readonly kind: "playlist" | "init" | "segment" | "text" | "sheet" | "any" }
>;
