import type { NamedPart } from "../model/stream.ts";

/** Name of a part within its stream: `360.m3u8`, `360-init.mp4`, `360-17.m4s`, `sub-en.vtt`, `sheet-3.jpg`, `*`. */
export function partName(part: NamedPart): string {
  switch (part.kind) {
    case "playlist":
      return `${part.track}.m3u8`;
    case "init":
      return `${part.track}-init.mp4`;
    case "segment":
      return `${part.track}-${part.index}.m4s`;
    case "text":
      return `${part.track}.vtt`;
    case "sheet":
      return `sheet-${part.index}.jpg`;
    case "any":
      return "*";
  }
}

const INDEX = "(0|[1-9]\\d{0,6})";
const TRACK = "([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*?)";
const NAMES: readonly (readonly [RegExp, (first: string, second: string) => NamedPart])[] = [
  [new RegExp(`^sheet-${INDEX}\\.jpg$`), (index) => ({ kind: "sheet", index: Number(index) })],
  [new RegExp(`^${TRACK}\\.m3u8$`), (track) => ({ kind: "playlist", track })],
  [new RegExp(`^${TRACK}\\.vtt$`), (track) => ({ kind: "text", track })],
  [new RegExp(`^${TRACK}-init\\.mp4$`), (track) => ({ kind: "init", track })],
  [
    new RegExp(`^${TRACK}-${INDEX}\\.m4s$`),
    (track, index) => ({ kind: "segment", track, index: Number(index) }),
  ],
];

/** The part that a name stands for. `undefined`: none. */
export function partOfName(name: string): NamedPart | undefined {
  if (name.length > 100) return undefined;
  for (const [pattern, part] of NAMES) {
    const found = pattern.exec(name);
    if (found) return part(found[1] as string, found[2] as string);
  }
  return undefined;
}

/** The place of a part's name in the text of a playlist: replaced by its URL when it is sent. */
export const slot = (name: string) => `{{${name}}}`;

/** Text with each slot filled. */
export function fillSlots(text: string, urlOf: (name: string) => string): string {
  return text.replace(/\{\{([^{}]*)\}\}/g, (_, name: string) => urlOf(name));
}
