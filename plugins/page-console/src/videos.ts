import type { Job, PluginApi } from "@mediatap/core";
import type { Session } from "./session.ts";

const TOPIC = "page-console-videos";

/** Renders that each process remembers, and that the page shows. */
const MAX_RENDERS = 200;

/** A render of a video, or of a part of a stream, that has ended. */
interface VideoRender {
  readonly tenant: string;
  readonly endpoint: string;
  readonly path: string;
  /** What was rendered: `mp4`, `segment 3 of 720`, `playlist of 720`, `still`. */
  readonly what: string;
  readonly isSegment: boolean;
  /** When it ended, milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly bytes?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** The last renders, the newest first, and how many there were since the start. */
interface Videos {
  readonly renders: readonly VideoRender[];
  readonly counts: { readonly segments: number; readonly others: number; readonly failed: number };
  readonly work: { readonly running: number; readonly waiting: number; readonly waitingCost: number };
}

type Api = Pick<PluginApi, "hooks" | "shared" | "state" | "cluster">;

/** Notes the renders of videos, in all workers of the machine, for the page Videos. */
export function createVideos({ hooks, shared, state, cluster: { bus } }: Api) {
  const history = shared(TOPIC, () => ({
    renders: [] as (VideoRender & { readonly key: string })[],
    counts: new Map<string, { segments: number; others: number; failed: number }>(),
  }));
  let stopAnswering = () => {};
  hooks.start.tap(TOPIC, () => {
    stopAnswering = bus.answer(TOPIC, own);
  });
  hooks.stop.tap(TOPIC, () => stopAnswering());
  hooks.report.tap(TOPIC, (report) => {
    if (report.kind !== "render") return;
    const what = whatOf(report.job);
    // What nobody waited for any more has not failed.
    if (what === undefined || (report.error && report.context.signal.aborted)) return;
    const { job, key, duration, record, error } = report;
    const now = Date.now();
    // One for a client and one ahead of it, with other rights, have waited for the same work. Times are whole milliseconds.
    const begun = Math.floor(now - duration);
    const isKnown = history.renders.some((one) => one.key === key && one.time >= begun);
    if (isKnown) return;
    const { tenant, endpoint, path } = job.asset;
    const isSegment = job.transformation.output.video?.part?.kind === "segment";
    const counts = history.counts.get(tenant) ?? { segments: 0, others: 0, failed: 0 };
    history.counts.set(tenant, counts);
    counts[error ? "failed" : isSegment ? "segments" : "others"]++;
    history.renders.unshift({
      ...{ tenant, endpoint, path, what, isSegment, key, time: now, duration },
      ...(record?.length !== undefined && { bytes: record.length }),
      ...(error && { error: { code: error.code, message: error.message } }),
    });
    history.renders.length = Math.min(history.renders.length, MAX_RENDERS);
  });

  const own = () => ({
    renders: history.renders,
    counts: [...history.counts].map(([tenant, counts]) => ({ tenant, ...counts })),
    work: state().work,
  });

  /** What a session may see of it. */
  return async function videosOf({ endpoints }: Session): Promise<Videos> {
    const all = [own(), ...((await bus.ask(TOPIC)) as ReturnType<typeof own>[])];
    const isOwn = (render: Pick<VideoRender, "tenant" | "endpoint">) =>
      endpoints.some(({ tenant, name }) => tenant === render.tenant && name === render.endpoint);
    const tenants = new Set(endpoints.map(({ tenant }) => tenant));
    const counts = all.flatMap((one) => one.counts).filter(({ tenant }) => tenants.has(tenant));
    const sum = <T>(list: readonly T[], of: (one: T) => number) =>
      list.reduce((total, one) => total + of(one), 0);
    return {
      renders: all
        .flatMap(({ renders }) => renders)
        .filter(isOwn)
        .sort((a, b) => b.time - a.time)
        .slice(0, MAX_RENDERS)
        .map(({ key: _, ...render }) => render),
      counts: {
        segments: sum(counts, ({ segments }) => segments),
        others: sum(counts, ({ others }) => others),
        failed: sum(counts, ({ failed }) => failed),
      },
      work: {
        running: sum(all, ({ work }) => work.running),
        waiting: sum(all, ({ work }) => work.waiting),
        waitingCost: sum(all, ({ work }) => work.waitingCost),
      },
    };
  };
}

/** `undefined`: it is about no video. */
function whatOf({ media, transformation: { output } }: Job): string | undefined {
  const { video } = output;
  if (!video) return media === "video" && output.format !== "original" && !output.info ? "still" : undefined;
  const { part, format = "auto" } = video;
  switch (part?.kind) {
    case undefined:
      return format === "auto" ? "video" : format;
    case "segment":
      return `segment ${part.index} of ${part.track}`;
    case "playlist":
    case "init":
    case "text":
      return `${part.kind === "text" ? "subtitles" : part.kind} of ${part.track}`;
    case "sheet":
      return `preview sheet ${part.index}`;
    case "master":
      return part.protocol === "hls" ? "HLS playlist" : "DASH manifest";
    default:
      return part?.kind;
  }
}
