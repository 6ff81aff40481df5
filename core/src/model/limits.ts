const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;

/**
 * Limits that a tenant can have for itself, with their defaults. Sizes in bytes, times in milliseconds, areas in megapixels, unless the
 * description names another unit.
 */
const TENANT_LIMITS = {
  /** Megapixels of a source, all frames together. */
  megapixels: 100,
  /** Frames of an animation. */
  frames: 400,
  /** Megapixels of one frame of an animation. */
  frameMegapixels: 25,
  /** Megapixels after each step and of the result, all frames together. */
  outputMegapixels: 100,
  /** Pixels of the longest side of a result. JPEG and PNG that a URL names may have 65,535. */
  outputSide: 16383,
  /** Megapixels up to which negotiation chooses AVIF; larger results become WebP. */
  avifAutoMegapixels: 4,
  /** Megapixels of an AVIF that a URL names. */
  avifMegapixels: 16,
  /** Bytes of an image source. */
  imageBytes: 40 * MB,
  /** Bytes of an SVG source. */
  svgBytes: 1 * MB,
  /** Elements of an SVG, with every `use` expanded. */
  svgElements: 10_000,
  /** Bytes of a PDF source. */
  pdfBytes: 5 * MB,
  /** Bytes of a video that is transformed. */
  videoBytes: 4 * GB,
  /** Seconds of a video's duration. */
  videoSeconds: 4 * 3_600,
  /** Pixels of the longest side of a video, as source and as result. */
  videoSide: 4096,
  /** Audio, video and other streams in one video file. */
  videoStreams: 8,
  /** Frames per second of a video. */
  videoRate: 120,
  /** Milliseconds for one segment, still or sprite sheet. */
  videoSegment: 60_000,
  /** Time for a whole video, as a multiple of its duration; at least `videoSegment`. */
  videoTime: 4,
  /** Bytes of a video result. */
  videoOutput: 1 * GB,
  /** Steps of a transformation. */
  steps: 20,
  /** Layers of a transformation. */
  layers: 10,
  /** Depth of layers within layers. */
  layerDepth: 3,
  /** Tokens of an expression. */
  expressionTokens: 50,
  /** Milliseconds of work for one image. */
  imageWork: 20_000,
  /** Milliseconds for which a missing file, or one that exceeds a limit, is cached as such. */
  notFoundLifetime: 60_000,
  /** Milliseconds for which a denied file, or one that cannot be read, is cached as such. */
  refusedLifetime: 30_000,
  /** Milliseconds for which an outage of an origin is cached. */
  failureLifetime: 5_000,
} as const;

/**
 * Limits that a tenant cannot have for itself: of what all tenants share (connections, queues, temporary files, the HTTP
 * client and the storages), or applied before the tenant of a request is known.
 */
export const SERVER_LIMITS = {
  /** Videos, segments and stills that are encoded at the same time; 0: as many as cores. */
  videoTransforms: 0,
  /** Milliseconds that video work may wait in the queue. */
  videoQueueWait: 30_000,
  /** Bytes of a request's URL. */
  urlBytes: 8 * KB,
  /** Bytes of the header section of a request, and of an origin's response. Changes take effect at the next start. */
  headerBytes: 16 * KB,
  /** Header fields of a request, and of an origin's response. */
  headers: 100,
  /** Redirects of an origin that are followed. */
  redirects: 3,
  /** Milliseconds to connect to an origin. */
  originConnect: 2_000,
  /** Milliseconds until the response of an origin begins. */
  originFirstByte: 10_000,
  /** Milliseconds between two parts of an origin's body. */
  originIdle: 5_000,
  /** Milliseconds for a whole request to an origin. */
  originTotal: 30_000,
  /** Failed connections in a row after which an origin is skipped (circuit breaker). */
  breakerFailures: 5,
  /** Percentage of failed requests above which an origin is skipped. */
  breakerRate: 80,
  /** Requests within `breakerWindow` that are needed before `breakerRate` counts. */
  breakerRequests: 10,
  /** Milliseconds in which requests and failures are counted. */
  breakerWindow: 10_000,
  /** Milliseconds for which an origin is skipped; then a growing share of the requests probes it. */
  breakerOpen: 5_000,
  /** Milliseconds for a whole request of a client, until its response begins. */
  request: 60_000,
  /** Milliseconds until a client has sent the whole body of a call that reads it as it arrives, such as an upload. */
  clientUpload: 600_000,
  /** Milliseconds between two parts of such a body. */
  clientUploadIdle: 30_000,
  /** Milliseconds until a client has sent the header section of its request. */
  clientHeaders: 10_000,
  /** Milliseconds for which an idle connection of a client stays open. */
  clientKeepAlive: 65_000,
  /** Milliseconds for which a client may read nothing of its response. */
  clientWriteIdle: 30_000,
  /** Connections of clients; at most about half as many as the files that the process may open (RLIMIT_NOFILE). */
  connections: 10_000,
  /** Image transforms that run at the same time; 0: as many as cores. */
  transforms: 0,
  /**
   * Bytes of memory for all transforms that run at the same time, by their estimates; 0: what the machine or the container leaves, at
   * most half of its memory. A transform that needs more alone is refused.
   */
  memory: 0,
  /** Milliseconds of estimated work, per core, that may wait in the queue. */
  queueWork: 5_000,
  /** Bytes of downloaded sources that may wait in the queue; at most an eighth of the memory of the machine or container. */
  queueBytes: 256 * MB,
  /** Milliseconds that work may wait in the queue. */
  queueWait: 5_000,
  /** Milliseconds in which running requests must finish at shutdown. */
  drain: 30_000,
  /** Milliseconds after SIGTERM in which new connections are still accepted while requests keep coming; part of `drain`. */
  drainAccept: 5_000,
  /** Bytes of temporary files. */
  tempBytes: 2 * GB,
} as const;

/** The default of every limit. */
export const DEFAULT_LIMITS = { ...TENANT_LIMITS, ...SERVER_LIMITS };

export type LimitName = keyof typeof DEFAULT_LIMITS;
export type Limits = Readonly<Record<LimitName, number>>;

/** Limits that a tenant can have for itself; one that it leaves out is the server's. */
export type TenantLimitName = keyof typeof TENANT_LIMITS;

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
