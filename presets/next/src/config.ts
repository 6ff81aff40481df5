/** The part of Next's configuration that is read and set here. */
export interface NextConfig {
  readonly images?: object | undefined;
}

/** What is read and set of its images. */
interface ImageConfig {
  readonly path?: string;
  readonly loader?: string;
  readonly loaderFile?: string;
  readonly unoptimized?: boolean;
  readonly deviceSizes?: readonly number[];
  readonly imageSizes?: readonly number[];
}

/** A configuration as a function of the phase, as Next accepts it. */
export type NextConfigFunction<C> = (phase: string, context: never) => C | Promise<C>;

export interface MediatapImages {
  /** URL of the endpoint, which understands `/_next/image`: `"https://img.example.com"`. */
  readonly server: string;
  /** Widths that images are requested in: the field `widths` of the endpoint. @default Next's own */
  readonly widths?: readonly number[];
  /** Whether the server renders. @default if `NODE_ENV` is `production`: `next dev` renders by itself */
  readonly enabled?: boolean;
}

/** Widths from here on are those of whole screens; Next calls the smaller ones image sizes. */
const SMALLEST_SCREEN = 640;

/** The path of Next's own image server. */
const IMAGE_PATH = "/_next/image";

/**
 * Next's configuration, with images that `next/image` requests from a server: the components and their URLs stay, only the host changes.
 * Throws `TypeError` if an option is wrong, or the configuration chooses another loader already.
 */
export function withMediatap<C extends NextConfig>(config: C, options: MediatapImages): C;
export function withMediatap<C extends NextConfig>(
  config: NextConfigFunction<C>,
  options: MediatapImages,
): NextConfigFunction<C>;
export function withMediatap<C extends NextConfig>(
  config: C | NextConfigFunction<C>,
  options: MediatapImages,
): C | NextConfigFunction<C> {
  const images = imagesOf(options);
  if (typeof config !== "function") return merged(config, images);
  return async (phase, context) => merged(await config(phase, context), images);
}

function imagesOf({ server, widths, enabled }: MediatapImages): ImageConfig {
  const parsed = URL.parse(server);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search !== "" || parsed.hash !== "") {
    throw new TypeError(
      `Expected the URL of a server, such as https://img.example.com, but received '${server}'`,
    );
  }
  const isUsed = enabled ?? process.env.NODE_ENV === "production";
  return {
    ...(isUsed && { path: `${server.replace(/\/+$/, "")}${IMAGE_PATH}` }),
    ...(widths && sizesOf(widths)),
  };
}

/** Next expects two lists, both ascending, and each width of the second one below all of the first. */
function sizesOf(widths: readonly number[]) {
  const wrong = widths.find((width) => !Number.isInteger(width) || width < 1);
  if (widths.length === 0 || wrong !== undefined) {
    throw new TypeError(`Expected positive integers for widths but received ${String(wrong ?? "none")}`);
  }
  const sorted = [...new Set(widths)].sort((a, b) => a - b);
  const screens = sorted.filter((width) => width >= SMALLEST_SCREEN);
  const deviceSizes = screens.length > 0 ? screens : sorted.slice(-1);
  return { deviceSizes, imageSizes: sorted.filter((width) => !deviceSizes.includes(width)) };
}

function merged<C extends NextConfig>(config: C, images: ImageConfig): C {
  const { path, loader, loaderFile, unoptimized }: ImageConfig = config.images ?? {};
  const set = Object.entries({ path, loader, loaderFile, unoptimized }).find(([, value]) => value);
  if (set)
    throw new TypeError(`images.${set[0]}: Expected no value beside withMediatap, which sets the server`);
  return { ...config, images: { ...config.images, ...images } };
}
