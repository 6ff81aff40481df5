// Astro loads this module by its name. The types are the part of Astro's `ExternalImageService` that is used here.
import { type ComponentOptions, type ComponentUrls, createComponentUrls } from "@mediatap/html";

/** An imported image. */
interface ImportedImage {
  readonly src: string;
  readonly width: number;
  readonly height: number;
}

/** What a component requests; also the other attributes of its element. */
interface Transform {
  src: string | ImportedImage;
  width?: number | undefined;
  height?: number | undefined;
  widths?: number[] | undefined;
  densities?: (number | `${number}x`)[] | undefined;
  fit?: string | undefined;
  position?: string | undefined;
  background?: string | undefined;
  format?: string | undefined;
  quality?: string | number | undefined;
  transformation?: string | undefined;
  /** The shape, in place of a height. */
  ratio?: Shape | undefined;
  // As Astro types it: everything else that an element can have.
  [attribute: string]: unknown;
}

type Shape = readonly [width: number, height: number];

interface Config {
  readonly service: { readonly config: object };
}

interface Candidate<T extends Transform> {
  transform: T;
  descriptor: string;
}

/** Astro's words for what sharp calls otherwise. */
const FITS: Readonly<Record<string, string>> = { contain: "inside", none: "outside", "scale-down": "inside" };

/** Astro's names of qualities, with the values of its own service. */
const QUALITIES: Readonly<Record<string, number>> = { low: 25, mid: 50, high: 80, max: 100 };

/** The server that `mediatapImageService` wrote into the configuration. */
const urlsOf = ({ service }: Config): ComponentUrls =>
  createComponentUrls(service.config as ComponentOptions);

/** Nothing if it is the image's own shape, up to what Astro rounded. */
function shapeOf({ src, width, height, ratio }: Transform): Shape | undefined {
  if (ratio || width === undefined || height === undefined) return ratio;
  const isOwn =
    typeof src === "object" &&
    (Math.abs((width * src.height) / src.width - height) <= 1 ||
      Math.abs((height * src.width) / src.height - width) <= 1);
  return isOwn ? undefined : [width, height];
}

const service = {
  /** As strict as Astro's own service, so that both accept the same pages. */
  validateOptions<T extends Transform>(options: T): T {
    const { src, width, height } = options;
    if (typeof src === "object") return options;
    if (!/^(?:https?:\/)?\/|^data:/.test(src)) {
      throw new TypeError(`Expected an imported image, a path or a URL for src but received '${src}'`);
    }
    if (width === undefined || height === undefined) {
      throw new TypeError(`Expected width and height for '${src}', which is not imported`);
    }
    return options;
  },

  getURL(transform: Transform, config: Config): string {
    const { src, width, height, fit, position, background, format, quality, transformation } = transform;
    return urlsOf(config).url(typeof src === "object" ? src.src : src, {
      ...(width === undefined ? { height } : { width, ratio: shapeOf(transform) }),
      fit: fit && (FITS[fit] ?? fit),
      position,
      background,
      format,
      quality: QUALITIES[quality ?? ""] ?? quality,
      transformation,
    });
  },

  /** Candidates in the widths of the endpoint, each one once, and none that is larger than necessary. */
  getSrcSet<T extends Transform>(options: T, config: Config): Candidate<T>[] {
    const { src, width, widths = [], densities = [] } = options;
    const { widthFor } = urlsOf(config);
    const ratio = shapeOf(options);
    const found = new Map<number, string>();
    if (densities.length > 0) {
      for (const density of densities.map((one) => Number.parseFloat(`${one}`)).sort((a, b) => a - b)) {
        const rung = widthFor(Math.round((width ?? 0) * density));
        if (!found.has(rung)) found.set(rung, `${density}x`);
      }
    } else {
      const own = typeof src === "object" ? src.width : Number.POSITIVE_INFINITY;
      for (const rung of widths.map((one) => widthFor(Math.min(one, own)))) {
        // Without another shape an image is not enlarged.
        found.set(rung, `${ratio ? rung : Math.min(rung, own)}w`);
      }
    }
    return [...found].map(([rung, descriptor]) => ({
      transform: { ...options, width: rung, height: undefined, ratio },
      descriptor,
    }));
  },

  /** All that is no option of the image itself. */
  getHTMLAttributes(options: Transform): Record<string, unknown> {
    const { src, format, quality, densities, widths, formats, layout, priority, ...rest } = options;
    const { fit, position, background, transformation, ratio, ...attributes } = rest;
    return { loading: "lazy", decoding: "async", ...attributes };
  },
};

export default service;
