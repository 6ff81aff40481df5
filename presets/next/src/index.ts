export { type MediatapImages, type NextConfig, type NextConfigFunction, withMediatap } from "./config.ts";
export { createLoader, type LoaderOptions, type NextLoader, type NextLoaderOptions } from "./loader.ts";
export {
  createImageProps,
  type ImageDescription,
  type ImageManifest,
  type ImageProps,
  type ImagePropsOptions,
} from "./props.ts";
