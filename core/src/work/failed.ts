import { z } from "zod";
import { isChanged, isMediaError, MediaError, STATUS } from "../model/errors.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import { isLoopFailure } from "../origin/loop.ts";

/** A failure, as processes report it to each other. */
export const failedSchema = z.object({
  code: z.enum(Object.keys(STATUS) as (keyof typeof STATUS)[]),
  message: z.string(),
  status: z.int().min(400).max(599),
  outage: z.boolean(),
});

export type Failed = Readonly<z.output<typeof failedSchema>>;

/** A failure that another process would meet as well: to be busy is this one's own. */
export function failureOf(error: unknown): Failed | undefined {
  if (!isMediaError(error) || error.code === "EBUSY" || isChanged(error) || isLoopFailure(error))
    return undefined;
  const { code, message, status, outage } = error;
  return { code, message, status, outage };
}

/** The error of another process, or of the negative cache. */
export function errorOf({ code, message, ...more }: NonNullable<RenditionRecord["error"]>): MediaError {
  return new MediaError(code, message, more);
}
