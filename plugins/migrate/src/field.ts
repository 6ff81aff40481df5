import { httpUrl } from "@mediatap/core/storage";
import { z } from "@mediatap/core/zod";

export const migrateField = z
  .strictObject({
    from: httpUrl,
    serve: z.enum(["old", "new"]).default("old"),
    share: z.number().min(0).max(1).default(0.05),
    report: z.string().min(1).optional(),
  })
  .optional();
