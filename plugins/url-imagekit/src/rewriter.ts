import type { Endpoint, Target } from "@mediatap/core";
import { z } from "zod";
import { rewriteCloudinary } from "./rewriters/cloudinary.ts";
import { rewriteAkamai, rewriteImgix } from "./rewriters/query.ts";

export const urlRewriter = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("CLOUDINARY"),
      preserveAssetDeliveryTypes: z.boolean().default(false),
    }),
    z.strictObject({ type: z.literal("IMGIX") }),
    z.strictObject({ type: z.literal("AKAMAI") }),
  ])
  .optional();

/**
 * The URL in this language, if its endpoint takes those of another product. Parameters that the language does not have, and values that
 * are wrong, are dropped, as the service drops them.
 */
export function rewritten(target: Target, { fields }: Endpoint): Target {
  const rewriter = fields.urlRewriter;
  if (!rewriter) return target;
  switch (rewriter.type) {
    case "CLOUDINARY":
      return { ...target, ...rewriteCloudinary(target, rewriter.preserveAssetDeliveryTypes ?? false) };
    case "IMGIX":
      return { ...target, ...rewriteImgix(target) };
    case "AKAMAI":
      return { ...target, ...rewriteAkamai(target) };
  }
}
