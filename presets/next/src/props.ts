import { imagekitUrl } from "@mediatap/html";

/** Where descriptions of images come from. */
export type ImagePropsOptions =
  | {
      /** URL of an endpoint that understands ImageKit's URLs: `"https://img.example.com"`. */
      readonly server: string;
    }
  | {
      /** What `mediatap info public --fields width,height,thumbHash` writes. */
      readonly manifest: ImageManifest;
    };

/** Descriptions by the paths of the files. */
export type ImageManifest = Readonly<Record<string, ImageDescription>>;

export interface ImageDescription {
  readonly width?: number;
  readonly height?: number;
  readonly thumbHash?: { readonly url: string };
}

/** What `next/image` knows by itself of an imported image only. */
export interface ImageProps {
  readonly width: number;
  readonly height: number;
  /** The image in a few pixels, by its ThumbHash: it is shown until the image itself is loaded. */
  readonly placeholder: `data:image/${string}`;
}

const FIELDS = "width,height,thumbHash";

/**
 * Makes a function from the `src` of an image to props of `next/image`: its size and a placeholder. For server components: in a page that is
 * built in advance it runs at build time. It rejects if there is no description, so that a build fails instead of a page.
 */
export function createImageProps(options: ImagePropsOptions): (src: string) => Promise<ImageProps> {
  const describe = "server" in options ? fromServer(options.server) : fromManifest(options.manifest);
  return async (src) => {
    const { width, height, thumbHash } = await describe(src);
    if (width && height && isImageData(thumbHash?.url)) return { width, height, placeholder: thumbHash.url };
    throw new Error(`Expected ${FIELDS} in the description of '${src}'`);
  };
}

type Describe = (src: string) => ImageDescription | Promise<ImageDescription>;

function fromServer(server: string): Describe {
  const urlOf = imagekitUrl(server);
  return async (src) => {
    const [path, query] = urlOf(src, {}).split(/\?(.*)/s, 2);
    const response = await fetch(`${path}/ik-info.json?${query ? `${query}&` : ""}fields=${FIELDS}`);
    if (response.ok) return (await response.json()) as ImageDescription;
    const error = response.headers.get("ik-error") ?? response.statusText;
    throw new Error(`Expected a description of '${src}' but received ${response.status} ${error}`);
  };
}

function fromManifest(manifest: ImageManifest): Describe {
  return (src) => {
    const path = decodeURI(src.replace(/^\/+|\?.*$/gs, ""));
    const found = Object.hasOwn(manifest, path) ? manifest[path] : undefined;
    if (found) return found;
    throw new Error(`Expected '${path}' in the manifest: run mediatap info again`);
  };
}

const isImageData = (url: string | undefined): url is ImageProps["placeholder"] =>
  url?.startsWith("data:image/") === true;
