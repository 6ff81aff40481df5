import { type MediatapConfig, presetMediatap } from "mediatap";

/** What staging and production have in common: plugins, rules, named transformations. */
export function presetShop(): MediatapConfig {
  return {
    presets: [presetMediatap()],
    namedTransformations: { thumb: "w-150,h-150,fo-auto" },
    autoAvif: true,
  };
}
