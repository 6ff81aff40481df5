import type { MediatapConfig } from "@mediatap/core";
import { type PageStartOptions, pageStart } from "@mediatap/page-start";
import { timing } from "@mediatap/timing";

export interface PresetDevelopmentOptions {
  /** Pictures that the start page shows. */
  readonly samples?: PageStartOptions["samples"];
}

/** For the time while one tries and builds: a start page, `Server-Timing`, and browsers that ask again each time. */
export function presetDevelopment({ samples }: PresetDevelopmentOptions = {}): MediatapConfig {
  return {
    plugins: [pageStart({ samples }), timing()],
    cacheControl: "public, max-age=0, must-revalidate",
    limits: { notFoundLifetime: 1_000, refusedLifetime: 1_000, failureLifetime: 1_000 },
  };
}

export default presetDevelopment;
