import { randomUUID } from "node:crypto";
import type { Asset, Job, MediaError, Report } from "@mediatap/core";

/** Kinds of work, in ImageKit's words. */
export const TYPES = ["video-transformation", "gif-to-video", "video-thumbnail"] as const;
export type Type = (typeof TYPES)[number];

export const EVENTS = [
  "video.transformation.accepted",
  "video.transformation.ready",
  "video.transformation.error",
] as const;
export type EventName = (typeof EVENTS)[number];

export type Reason = "download_failed" | "encoding_failed" | "internal_server_error";

/** An event in ImageKit's format. */
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

/** The request that started work. */
export interface ClientRequest {
  readonly id: string;
  readonly url: string;
  readonly userAgent: string | undefined;
  /** Address of the endpoint, with a slash at its end: the path of an original follows. */
  readonly base: string;
}

/** Work that events report. */
export interface VideoWork {
  readonly job: Job;
  readonly type: Type;
  /** `undefined`: no request of this process is known to have started it. */
  readonly clientRequest: ClientRequest | undefined;
  /** Used instead of `clientRequest.base`. */
  readonly base: string;
}

type RenderReport = Extract<Report, { kind: "render" }>;

/** Kind of a job in ImageKit's words; `undefined`: it has no events, such as parts of streams. */
export function typeOf({ asset, media, transformation: { output } }: Job): Type | undefined {
  if (!output.video) return media === "video" && output.format !== "original" ? "video-thumbnail" : undefined;
  const { part } = output.video;
  if (part && part.kind !== "master") return undefined;
  return /\.gif$/i.test(asset.path) ? "gif-to-video" : "video-transformation";
}

export function accepted(work: VideoWork): Event {
  return eventOf("video.transformation.accepted", work, {});
}

export function ready(work: VideoWork, report: RenderReport): Event {
  const output = {
    ...(work.clientRequest && { url: work.clientRequest.url }),
    ...(work.type !== "video-thumbnail" && { video_metadata: metadataOf(report) }),
  };
  return { ...eventOf("video.transformation.ready", work, { output }), timings: timingsOf(report) };
}

export function failed(work: VideoWork, report: RenderReport, reason: Reason): Event {
  const event = eventOf("video.transformation.error", work, { error: { reason } });
  return { ...event, timings: timingsOf(report) };
}

/** Why work failed; `undefined`: it was refused before it started, which is no event. */
export function reasonOf(
  error: MediaError,
  { plan, context }: RenderReport,
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
  { job, type: kind, clientRequest, base }: VideoWork,
  more: Partial<Pick<Event["data"]["transformation"], "output" | "error">>,
): Event {
  return {
    type,
    id: randomUUID(),
    created_at: new Date().toISOString(),
    request: clientRequest
      ? {
          x_request_id: clientRequest.id,
          url: clientRequest.url,
          ...(clientRequest.userAgent !== undefined && { user_agent: clientRequest.userAgent }),
        }
      : {},
    data: {
      asset: { url: addressOf(job.asset, clientRequest?.base ?? base) },
      transformation: { type: kind, options: optionsOf(job), ...more },
    },
  };
}

function addressOf({ kind, path }: Asset, base: string): string {
  return kind === "url" ? path : base + path.split("/").map(encodeURIComponent).join("/");
}

/** `none` is not a codec of ImageKit's: it is left out. */
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

/** As far as it is known: the explanation of the engine's plan can contain a duration and a size. */
function metadataOf({ record, plan }: RenderReport): Record<string, number> {
  const explanation = (plan?.explain() ?? {}) as { duration?: unknown; size?: unknown };
  const duration =
    typeof explanation.duration === "number" && explanation.duration > 0 ? explanation.duration : undefined;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(String(explanation.size)) ?? [];
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

/** In milliseconds. The encoding ends when a streaming output is complete, not when the engine returns it. */
function timingsOf({ spans }: RenderReport): Record<string, number> {
  const downloads = spans.list.filter(({ name }) => name === "download");
  const encoding = spans.list.find(({ name }) => name === "transformation");
  const downloadDuration = downloads.reduce((sum, { duration }) => sum + duration, 0);
  return {
    ...(downloads.length > 0 && { download_duration: Math.round(downloadDuration) }),
    ...(encoding && { encoding_duration: Math.round(performance.now() - encoding.start) }),
  };
}
