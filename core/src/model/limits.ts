const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;

/** The default of every limit. Sizes in bytes, times in milliseconds, areas in megapixels, unless the name says else. */
export const DEFAULT_LIMITS = {
  /** Source pixels, all frames together. */
  megapixels: 100,
  /** Frames of an animation. */
  frames: 400,
  frameMegapixels: 25,
  /** Pixels after each step and at the end. */
  outputMegapixels: 100,
  /** Longest side of a result. */
  outputSide: 16383,
  /** AVIF chosen by negotiation; above it WebP is taken. */
  avifAutoMegapixels: 4,
  /** AVIF asked for by name. */
  avifMegapixels: 16,
  imageBytes: 40 * MB,
  svgBytes: 1 * MB,
  /** Elements of an SVG, `use` expanded. */
  svgElements: 10_000,
  pdfBytes: 5 * MB,
  /** Bytes of a video that is transformed. */
  videoBytes: 4 * GB,
  /** Seconds that a video may last. */
  videoSeconds: 4 * 3_600,
  /** Longest side of a video, as source and as result. */
  videoSide: 4096,
  videoStreams: 8,
  /** Frames a second. */
  videoRate: 120,
  /** Time for one segment, still or sheet. */
  videoSegment: 60_000,
  /** Time for a whole video, in multiples of its duration; never less than for a segment. */
  videoTime: 4,
  /** Bytes of a video that is made. */
  videoOutput: 1 * GB,
  /** Videos, segments and stills made at once; 0: as many as cores. */
  videoTransforms: 0,
  /** Longest wait of video work in the queue. */
  videoQueueWait: 30_000,
  steps: 20,
  layers: 10,
  layerDepth: 3,
  expressionTokens: 50,
  urlBytes: 8 * KB,
  headerBytes: 16 * KB,
  headers: 100,
  redirects: 3,
  originConnect: 2_000,
  originFirstByte: 10_000,
  originIdle: 5_000,
  originTotal: 30_000,
  /** An origin is skipped after this many failed connections in a row … */
  breakerFailures: 5,
  /** … or if more than this percentage of the requests failed … */
  breakerRate: 80,
  /** … of at least this many … */
  breakerRequests: 10,
  /** … within this time. */
  breakerWindow: 10_000,
  /** For how long it is skipped; then a growing share of the requests tries it. */
  breakerOpen: 5_000,
  imageWork: 20_000,
  request: 60_000,
  clientHeaders: 10_000,
  clientKeepAlive: 65_000,
  clientWriteIdle: 30_000,
  /** Connections of clients; at most about half as many as the files that the process may open (RLIMIT_NOFILE). */
  connections: 10_000,
  /** Transforms at once; 0: as many as cores. */
  transforms: 0,
  /**
   * Bytes of memory that transforms may take at once, by their estimates; 0: what the machine or the container leaves, at most
   * half of its memory. One that would take more alone is refused.
   */
  memory: 0,
  /** Estimated milliseconds of work, per core, that may wait. */
  queueWork: 5_000,
  /** Bytes of downloaded sources that may wait; at most an eighth of the memory of the machine or container. */
  queueBytes: 256 * MB,
  /** Longest wait in the queue. */
  queueWait: 5_000,
  /** How long failures are remembered. */
  notFoundLifetime: 60_000,
  refusedLifetime: 30_000,
  failureLifetime: 5_000,
  drain: 30_000,
  /** How long new connections are still taken after SIGTERM while requests keep coming; part of `drain`. */
  drainAccept: 5_000,
  tempBytes: 2 * GB,
} as const;

export type LimitName = keyof typeof DEFAULT_LIMITS;
export type Limits = Readonly<Record<LimitName, number>>;

/**
 * Limits that a tenant cannot have for itself: of what all tenants share (connections, queues, temporary files, the HTTP
 * client and the storages), or applied before the tenant of a request is known.
 */
export const SERVER_LIMITS = [
  "urlBytes",
  "headerBytes",
  "headers",
  "request",
  "clientHeaders",
  "clientKeepAlive",
  "clientWriteIdle",
  "connections",
  "redirects",
  "originConnect",
  "originFirstByte",
  "originIdle",
  "originTotal",
  "breakerFailures",
  "breakerWindow",
  "breakerOpen",
  "breakerRequests",
  "breakerRate",
  "transforms",
  "memory",
  "videoTransforms",
  "queueWork",
  "queueBytes",
  "queueWait",
  "videoQueueWait",
  "tempBytes",
  "drain",
  "drainAccept",
] as const satisfies readonly LimitName[];

/** Limits that a tenant can have for itself; one that it leaves out is the server's. */
export type TenantLimitName = Exclude<LimitName, (typeof SERVER_LIMITS)[number]>;

/** The limits of a tenant; without a name, and for a tenant that sets none: the server's. */
export type LimitsOf = (tenant?: string) => Limits;

/** The one place where the limits of a server and of its tenants are put together. */
export function createLimitsOf(
  server: Limits,
  tenants: readonly { readonly name: string; readonly limits: Partial<Limits> }[],
): LimitsOf {
  const own = new Map(tenants.map(({ name, limits }) => [name, { ...server, ...limits }]));
  return (tenant = "") => own.get(tenant) ?? server;
}
