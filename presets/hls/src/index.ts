import { cacheMemory } from "@mediatap/cache-memory";
import { type MediatapConfig, parseOptions } from "@mediatap/core";
import { createServer, loadConfig } from "@mediatap/core/server";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { urlImagekit } from "@mediatap/url-imagekit";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { videoRemux } from "@mediatap/video-remux";
import { z } from "zod";
import { type Adapters, adaptersOf } from "./adapters.ts";

export type { Adapters, FastifyLike, KoaLike, NodeHandler } from "./adapters.ts";

/** Heights of renditions that a playlist can offer, in pixels. */
export const HEIGHTS = [240, 360, 480, 720, 1080, 1440, 2160] as const;

export type Height = (typeof HEIGHTS)[number];

const NAME = "hls";

const schema = z
  .strictObject({
    path: z
      .string()
      .regex(
        /^\/(?!-$|default$)[A-Za-z0-9-]{1,100}$/,
        "Expected a slash and one name of letters, digits and hyphens",
      ),
    folder: z.string().min(1).optional(),
    origin: z
      .custom<OriginOptions>((value) => typeof value === "object" && value !== null, "Expected object")
      .optional(),
    plugins: z.custom<MediatapConfig["plugins"]>(Array.isArray, "Expected list").optional(),
    config: z
      .custom<HlsConfig>((value) => typeof value === "object" && value !== null, "Expected object")
      .optional(),
  })
  .refine(
    ({ folder, origin }) => (folder === undefined) !== (origin === undefined),
    "Expected either folder or origin",
  );

/** A place that holds videos, as in the field `origins` of a configuration: `{ type: "S3", bucket: "videos" }`. */
export interface OriginOptions {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Further fields of the configuration. */
export type HlsConfig = Omit<
  MediatapConfig,
  "plugins" | "origins" | "endpoints" | "tenants" | "presets" | "server"
>;

export interface HlsOptions {
  /** Where the videos are in the app: a slash and one name, `"/videos"`. */
  readonly path: string;
  /** Folder that holds the videos. */
  readonly folder?: string;
  /** Another place that holds them; the plugin of its storage is among `plugins`. */
  readonly origin?: OriginOptions;
  /** Further plugins, such as `storageS3()` and `cacheDisk()`. */
  readonly plugins?: NonNullable<MediatapConfig["plugins"]>;
  /** Further fields of the configuration, such as `limits` and `privateKey`. @default warnings are logged */
  readonly config?: HlsConfig;
}

export interface StreamOptions {
  /** @default "hls" */
  readonly format?: "hls" | "dash";
  /** Heights of the renditions; those that the video does not have are left out. @default 360, 720 and 1080 */
  readonly heights?: readonly Height[];
}

export interface Hls extends Adapters {
  /** Path and query of the playlist of a video: `"/videos/tour.mp4/ik-master.m3u8?tr=sr-360_720_1080"`. */
  url(file: string, options?: StreamOptions): string;
  /** Path of an image of a video. `seconds`: the moment that it shows. */
  poster(file: string, options?: { readonly seconds?: number; readonly width?: number }): string;
  /** Ends the work that is running. Close the app's server first. */
  close(): Promise<void>;
}

/**
 * Streams the videos of a folder or storage from within an app: playlists, segments, subtitles and thumbnails, encoded when a player
 * requests them. Needs ffmpeg. Throws `ECONFIG` if an option is wrong.
 */
export async function hls(options: HlsOptions): Promise<Hls> {
  const { path, folder, origin, plugins = [], config = {} } = parseOptions(schema, options, NAME);
  const all: MediatapConfig = {
    log: { level: "warn" },
    ...config,
    plugins: [
      urlImagekit(),
      storageFs(),
      imageSharp(),
      videoFfmpeg(),
      videoRemux(),
      cacheMemory(),
      ...(plugins ?? []),
    ],
    origins: { videos: origin ?? { type: "FOLDER", path: folder } },
    endpoints: { [path.slice(1)]: { origins: ["videos"] } },
  };
  const server = await createServer({ config: await loadConfig(all, { source: NAME, base: process.cwd() }) });
  await server.start();
  const at = (file: string) => `${path}/${file.split("/").map(encodeURIComponent).join("/")}`;
  return {
    ...adaptersOf(path, (req, res) => server.handle(req, res)),
    url(file, { format = NAME, heights = [360, 720, 1080] } = {}) {
      return `${at(file)}/ik-master.${format === "dash" ? "mpd" : "m3u8"}?tr=sr-${heights.join("_")}`;
    },
    poster(file, { seconds = 0, width } = {}) {
      const chain = [`so-${seconds}`, ...(width === undefined ? [] : [`w-${width}`])].join(",");
      return `${at(file)}/ik-thumbnail.jpg?tr=${chain}`;
    },
    close: () => server.close(),
  };
}
