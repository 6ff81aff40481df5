import type { StreamPart, Transformation } from "@mediatap/core";

/** What a chain is for: which parameters have a meaning in it, and what they mean. */
export type Wanted =
  /** A picture; `page`: the one taken where the chain names none. */
  | { readonly kind: "picture"; readonly page?: number }
  /** A picture of a video: one moment of it, or a stretch that moves. */
  | { readonly kind: "still" }
  | { readonly kind: "video" }
  /** The playlist that a player begins with … */
  | { readonly kind: "master"; readonly protocol: "hls" | "dash" }
  /** … and what it leads to, or small pictures to seek by. */
  | { readonly kind: "part"; readonly part: Exclude<StreamPart, { readonly kind: "master" }> }
  /** What is known of the file: no chain applies. */
  | { readonly kind: "info" };

export const PICTURE: Wanted = { kind: "picture" };
export const VIDEO: Wanted = { kind: "video" };

/** Whether steps act on what moves and sounds. */
export function isMoving({ kind }: Wanted): boolean {
  return kind === "video" || kind === "master" || kind === "part";
}

/** What the chain of a transformation is for. */
export function wantedFor({ steps, output }: Transformation): Wanted {
  const part = output.video?.part;
  if (part?.kind === "master") return { kind: "master", protocol: part.protocol };
  if (part) return { kind: "part", part };
  if (output.info) return { kind: "info" };
  if (output.video) return VIDEO;
  const [first] = steps;
  const isStill = first?.op === "clip" || (first?.op === "frame" && first.time !== undefined);
  return isStill ? { kind: "still" } : PICTURE;
}
