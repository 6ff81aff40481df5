import type { Endpoint, Job } from "@mediatap/core";
import { z } from "zod";

const times = z.strictObject({
  /** Milliseconds between two checks. */
  interval: z.int().positive().max(60_000).default(5_000),
  /** Number of checks. */
  tries: z.int().positive().max(100).default(3),
});

export const videoPolling = z.union([z.boolean(), times]).optional();

/** How the language answers requests for videos and streams that are not ready. */
export function pollingOf(
  { video }: Job["transformation"]["output"],
  { fields }: Endpoint,
): Pick<Job["delivery"], "ifNotStored"> {
  if (!fields.videoPolling || !video) return {};
  const { part } = video;
  if (part) return part.kind === "master" ? { ifNotStored: { kind: "accept" } } : {};
  const { interval, tries } = times.parse(fields.videoPolling === true ? {} : fields.videoPolling);
  return { ifNotStored: { kind: "redirect", afterMs: interval * tries } };
}
