import { imagekitUrl, type UrlOf } from "@mediatap/html";

/** What `next/image` passes to a loader. */
export interface NextLoaderOptions {
  readonly src: string;
  readonly width: number;
  readonly quality?: number | undefined;
}

export type NextLoader = (options: NextLoaderOptions) => string;

export interface LoaderOptions {
  /** URL of the endpoint: `"https://img.example.com"`. */
  readonly server: string;
  /** How a URL is written. `transformation` is `q-<quality>`, if the image names a quality. @default ImageKit's URLs */
  readonly url?: UrlOf;
}

/** A loader for `next/image`: the `loader` of one image, or the default export of `images.loaderFile`. */
export function createLoader({ server, url = imagekitUrl(server) }: LoaderOptions): NextLoader {
  return ({ src, width, quality }) =>
    url(src, { width, ...(quality !== undefined && { transformation: `q-${quality}` }) });
}
