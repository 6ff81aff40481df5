import { randomUUID } from "node:crypto";
import type { Asset, Job, MediaError, Report } from "@mediatap/core";

/** What an event speaks of, in ImageKit's words. */
export const TYPES = ["video-transformation", "gif-to-video", "video-thumbnail"] as const;
export type Type = (typeof TYPES)[number];

export const EVENTS = [
  "video.transformation.accepted",
  "video.transformation.ready",
  "video.transformation.error",
] as const;
export type EventName = (typeof EVENTS)[number];

export type Reason = "download_failed" | "encoding_failed" | "internal_server_error";

/** What is sent, as ImageKit writes it. */
export interface Event {
  readonly type: EventName;
  readonly id: string;
  readonly created_at: string;
  readonly request: { readonly x_request_id?: string; readonly url?: string; readonly user_agent?: string };
  readonly timings?: Readonly<Record<string, number>>;
  readonly data: {
    readonly asset: { readonly url: string };
    readonly transformation: {
      readonly type: Type;
      readonly options: Readonly<Record<string, unknown>>;
      readonly output?: Readonly<Record<string, unknown>>;
      readonly error?: { readonly reason: Reason };
    };
  };
}

/** The request that work was begun for. */
export interface Asked {
  readonly id: string;
  readonly url: string;
  readonly userAgent: string | undefined;
  /** Address of the endpoint: what stands before an original's path, with a slash at its end. */
  readonly base: string;
}

/** A piece of work that events tell of. */
export interface Told {
  readonly job: Job;
  readonly type: Type;
  /** `undefined`: no request of this process is known to have begun it. */
  readonly asked: Asked | undefined;
  /** Stands in for `asked.base`. */
  readonly base: string;
}

type Flown = Extract<Report, { kind: "render" }>;

/** What a job is in ImageKit's words; `undefined`: nothing that events tell of, parts of streams among it. */
export function typeOf({ asset, media, transformation: { output } }: Job): Type | undefined {
  if (!output.video) return media === "video" && output.format !== "original" ? "video-thumbnail" : undefined;
  const { part } = output.video;
  if (part && part.kind !== "master") return undefined;
  return /\.gif$/i.test(asset.path) ? "gif-to-video" : "video-transformation";
}

export function accepted(told: Told): Event {
  return eventOf("video.transformation.accepted", told, {});
}

export function ready(told: Told, flown: Flown): Event {
  const output = {
    ...(told.asked && { url: told.asked.url }),
    ...(told.type !== "video-thumbnail" && { video_metadata: metadataOf(flown) }),
  };
  return { ...eventOf("video.transformation.ready", told, { output }), timings: timingsOf(flown) };
}

export function failed(told: Told, flown: Flown, reason: Reason): Event {
  const event = eventOf("video.transformation.error", told, { error: { reason } });
  return { ...event, timings: timingsOf(flown) };
}

/** Why work failed; `undefined`: it was refused before it began, which is no event. */
export function reasonOf(
  error: MediaError,
  { plan, context }: Flown,
  isAccepted: boolean,
): Reason | undefined {
  if (context.signal.aborted || error.code === "EBUSY" || error.code === "EINTERNAL") {
    return isAccepted ? "internal_server_error" : undefined;
  }
  if (plan || isAccepted) return "encoding_failed";
  const isDownload = ["ENOENT", "EACCES", "ECONNREFUSED", "UNIDENTIFIED", "ETIMEDOUT"].includes(error.code);
  return isDownload ? "download_failed" : undefined;
}

function eventOf(
  type: EventName,
  { job, type: kind, asked, base }: Told,
  more: Partial<Pick<Event["data"]["transformation"], "output" | "error">>,
): Event {
  return {
    type,
    id: randomUUID(),
    created_at: new Date().toISOString(),
    request: asked
      ? {
          x_request_id: asked.id,
          url: asked.url,
          ...(asked.userAgent !== undefined && { user_agent: asked.userAgent }),
        }
      : {},
    data: {
      asset: { url: addressOf(job.asset, asked?.base ?? base) },
      transformation: { type: kind, options: optionsOf(job), ...more },
    },
  };
}

function addressOf({ kind, path }: Asset, base: string): string {
  return kind === "url" ? path : base + path.split("/").map(encodeURIComponent).join("/");
}

/** Neither sound nor picture has a codec of its own name: left out. */
function optionsOf({ transformation: { output } }: Job): Record<string, unknown> {
  const { video } = output;
  if (!video) return { auto_rotate: true, ...(output.format && { format: output.format }) };
  const { codec, audio, quality, format, part } = video;
  return {
    ...(codec && codec !== "none" && { video_codec: codec }),
    ...(audio && audio !== "none" && { audio_codec: audio }),
    auto_rotate: true,
    ...(quality !== undefined && { quality }),
    ...(part?.kind === "master"
      ? { stream_protocol: part.protocol.toUpperCase(), variants: part.rungs.map(String) }
      : { format }),
  };
}

/** As far as it is known: the engine's plan may tell a duration, and a size. */
function metadataOf({ record, plan }: Flown): Record<string, number> {
  const said = (plan?.explain() ?? {}) as { duration?: unknown; size?: unknown };
  const duration = typeof said.duration === "number" && said.duration > 0 ? said.duration : undefined;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(String(said.size)) ?? [];
  const { length } = record ?? {};
  return Object.fromEntries(
    Object.entries({
      duration,
      width: record?.width ?? (width === undefined ? undefined : Number(width)),
      height: record?.height ?? (height === undefined ? undefined : Number(height)),
      bitrate: duration && length ? Math.round((length * 8) / duration) : undefined,
    }).filter((pair): pair is [string, number] => pair[1] !== undefined),
  );
}

/** In milliseconds. What grows is encoded until it is whole, longer than the engine takes to begin. */
function timingsOf({ spans }: Flown): Record<string, number> {
  const downloads = spans.list.filter(({ name }) => name === "download");
  const encoding = spans.list.find(({ name }) => name === "transformation");
  const took = downloads.reduce((sum, { duration }) => sum + duration, 0);
  return {
    ...(downloads.length > 0 && { download_duration: Math.round(took) }),
    ...(encoding && { encoding_duration: Math.round(performance.now() - encoding.start) }),
  };
}
