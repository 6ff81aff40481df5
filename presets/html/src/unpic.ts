// A provider of unpic: `generate`, `extract` and `transform` with the types that its own providers have.
import {
  type ComponentImage,
  type ComponentOptions,
  createComponentUrls,
  FITS,
  FORMATS,
} from "./component.ts";

export type MediatapOperations = { [K in keyof ComponentImage]?: NonNullable<ComponentImage[K]> };

export type MediatapOptions = ComponentOptions;

/** What a URL of a server requests. */
export interface MediatapImage {
  /** Path of the original. */
  readonly src: string;
  readonly operations: MediatapOperations;
  readonly options: MediatapOptions;
}

/** URL of an image. Throws `TypeError` without a server, and for operations that no URL can express. */
export function generate(
  src: string | URL,
  operations: MediatapOperations,
  options?: MediatapOptions,
): string {
  const urls = createComponentUrls(options ?? { server: "" });
  const path = withoutServer(String(src), options);
  if (isTransformed(path))
    throw new TypeError(`Expected an original, or a URL with one step, but received '${src}'`);
  return urls.url(path, operations);
}

/** What a URL requests; `null` if it requests nothing, is no URL of the server, or has several steps, layers or calculated sizes. */
export function extract(url: string | URL, options?: Partial<MediatapOptions>): MediatapImage | null {
  const [, server, chain, path] = /^(.*?)\/tr:([^/]+)(\/.+)$/.exec(String(url)) ?? [];
  if (server === undefined || chain === undefined || path === undefined || isTransformed(path)) return null;
  if (options?.server !== undefined && server !== options.server.replace(/\/+$/, "")) return null;
  const operations = operationsOf(chain);
  return operations && { src: path, operations, options: { ...options, server } };
}

/** URL of an image that may be one of the server already: the operations that are given replace those of the URL. */
export function transform(
  src: string | URL,
  operations: MediatapOperations,
  options?: MediatapOptions,
): string {
  const found = extract(src, options);
  if (!found) return generate(src, operations, options);
  const { ratio, ...old } = found.operations;
  const given = Object.entries(operations).filter(([, value]) => value !== undefined);
  const merged: MediatapOperations = { ...old, ...Object.fromEntries(given) };
  const keepsShape = ratio !== undefined && operations.height === undefined;
  return generate(found.src, keepsShape ? { ...merged, ratio } : merged, found.options);
}

function withoutServer(src: string, options: MediatapOptions | undefined): string {
  const server = `${options?.server.replace(/\/+$/, "")}/`;
  return src.startsWith(server) ? src.slice(server.length - 1) : src;
}

const isTransformed = (path: string) => /\/tr:|[?&]tr=/.test(path);

/** Operations by the parameters of a URL; nothing if they cannot express the value. */
const READERS: Readonly<Record<string, (value: string) => MediatapOperations | undefined>> = {
  w: (width) => (isWhole(width) ? { width: Number(width) } : undefined),
  h: (height) => (isWhole(height) ? { height: Number(height) } : undefined),
  ar: (value) => {
    const [width = "", height = ""] = value.split("-");
    return isWhole(width) && isWhole(height) ? { ratio: [Number(width), Number(height)] } : undefined;
  },
  c: (value) => fitOf(`c-${value}`),
  cm: (value) => fitOf(`cm-${value}`),
  fo: (value) => (FOCUS.test(value) ? { position: value.replace("_", " ") } : undefined),
  bg: (background) => (/^[\da-z]+$/i.test(background) ? { background } : undefined),
  f: (format) => (FORMATS.includes(format) ? { format } : undefined),
  bl: (blur) => (isWhole(blur) ? { blur: Number(blur) } : undefined),
  q: (quality) => (isWhole(quality) ? { quality: Number(quality) } : undefined),
};

const FOCUS = /^(?:auto|face|center|left|right|(?:top|bottom)(?:_left|_right)?)$/;

const isWhole = (value: string) => /^[1-9]\d{0,4}$/.test(value);

function fitOf(parameter: string): MediatapOperations | undefined {
  const [fit] = Object.entries(FITS).find(([, written]) => written === parameter) ?? [];
  return fit === undefined ? undefined : { fit };
}

/** `null` for steps, layers, conditions and calculated sizes: they are not one image in one size. */
function operationsOf(chain: string): MediatapOperations | null {
  if (/:|(?:^|,)(?:l|if|else|end)\b/.test(chain)) return null;
  const operations: MediatapOperations = {};
  const others: string[] = [];
  for (const parameter of chain.split(",")) {
    const [key = "", ...rest] = parameter.split("-");
    const found = READERS[key]?.(rest.join("-"));
    if (!found && /^(?:w|h|ar)$/.test(key)) return null;
    if (found) Object.assign(operations, found);
    else others.push(parameter);
  }
  const { width, height, ...read } = operations;
  const isShape = width !== undefined && height !== undefined;
  return {
    ...read,
    ...(width !== undefined && { width }),
    ...(isShape ? { ratio: [Number(width), Number(height)] as const } : height !== undefined && { height }),
    ...(others.length > 0 && { transformation: others.join(",") }),
  };
}
