export { type MediatapImages, type NextConfig, type NextConfigFunction, withMediatap } from "./config.ts";
export { createLoader, type LoaderOptions, type NextLoader, type NextLoaderOptions } from "./loader.ts";
