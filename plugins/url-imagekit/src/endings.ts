import { invalid, type Job, MediaError } from "@mediatap/core";
import { partName, partOfName } from "@mediatap/core/stream";
import { unprintable } from "./errors.ts";
import { isPicture, mediaOf } from "./media.ts";
import { type Address, type Suffix, TRACK } from "./path.ts";
import { isMoving, PICTURE, VIDEO, type Wanted, wantedFor } from "./wanted.ts";

// What the ending of a path asks of the asset before it, and the ending that a job needs.

/** Endings that ask for something no step and no output stands for. */
const WITHOUT: Readonly<Partial<Record<Suffix, string>>> = {
  "ik-genchapter.vtt": "generated chapters",
  "ik-gensubtitle.vtt": "generated subtitles",
  "ik-gensubtitle.transcript": "generated transcripts",
};

/** Endings that only say that the asset is a video. */
const KIND: ReadonlySet<Suffix> = new Set<Suffix>(["ik-video.mp4", "ik-gif-video.mp4"]);

const PLAYLISTS = { hls: "ik-master.m3u8", dash: "ik-master.mpd" } as const;
const STILL = "ik-thumbnail.jpg";
const INFO = "ik-info.json";
const PREVIEWS = "ik-seek-thumbnail-track.vtt";

/** Whether a path asks for what is known of the asset before its ending. */
export const isInfo = ({ suffixes }: Address): boolean => suffixes.at(-1) === INFO;

/**
 * What a path asks for. Throws `EINVAL` for endings that do not go together or need a video, `EUNSUPPORTED` for what no
 * job stands for.
 */
export function wantedOf({ suffixes, path }: Address, media: Job["media"]): Wanted {
  if (path.startsWith("ik-genimg-prompt-")) {
    throw new MediaError("EUNSUPPORTED", "Not supported here: generated images (ik-genimg-prompt)");
  }
  for (const suffix of suffixes) {
    const capability = WITHOUT[suffix];
    if (capability) throw new MediaError("EUNSUPPORTED", `Not supported here: ${capability} (${suffix})`);
  }
  const isVideo = media === "video";
  const last = suffixes.at(-1);
  if (suffixes.slice(0, -1).some((suffix) => !KIND.has(suffix))) {
    throw invalid("the path", "one ending of the language", suffixes.join("/"));
  }
  if (last === undefined || KIND.has(last)) return isVideo ? VIDEO : PICTURE;
  if (last === INFO) return { kind: "info" };
  if (last === STILL) return isVideo ? { kind: "still" } : { kind: "picture", page: 1 };
  if (!isVideo) throw new MediaError("EINVAL", `Expected a video before ${last}`);
  if (last === PLAYLISTS.hls) return { kind: "master", protocol: "hls" };
  if (last === PLAYLISTS.dash) return { kind: "master", protocol: "dash" };
  if (last === PREVIEWS) return { kind: "part", part: { kind: "previews" } };
  const part = partOfName(last.slice(TRACK.length));
  if (!part) throw new MediaError("ENOENT", "Not found");
  return { kind: "part", part };
}

/** Endings of the path of a job. Throws `EUNSUPPORTED` for a picture of a video that is not said how to take. */
export function endingsOf(job: Job): string[] {
  const { asset, media, transformation } = job;
  const wanted = wantedFor(transformation);
  const isOriginal = transformation.output.format === "original";
  const moves = isMoving(wanted) && !isOriginal;
  if (media === "video" && !isOriginal && wanted.kind === "picture") {
    throw unprintable("videos taken for pictures");
  }
  const named = mediaOf({ kind: asset.kind, path: asset.path, suffixes: [] });
  const needsKind = named !== "video" && (media === "video" || moves || wanted.kind === "still");
  const kind = moves && isPicture(asset) ? "ik-gif-video.mp4" : "ik-video.mp4";
  const ending = wanted.kind === "picture" && job.accept === "jpeg" ? [STILL] : endingOf(wanted);
  return [...(needsKind ? [kind] : []), ...(isOriginal ? [] : ending)];
}

function endingOf(wanted: Wanted): string[] {
  switch (wanted.kind) {
    case "picture":
    case "video":
      return [];
    case "still":
      return [STILL];
    case "info":
      return [INFO];
    case "master":
      return [PLAYLISTS[wanted.protocol]];
    case "part":
      return [wanted.part.kind === "previews" ? PREVIEWS : TRACK + partName(wanted.part)];
  }
}
