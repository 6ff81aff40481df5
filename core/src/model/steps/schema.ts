import { z } from "zod";
import type { Paint, Rgba } from "../colour.ts";
import { type Expression, VARIABLES } from "../expression.ts";
import { type Focus, GRAVITIES, type Gravity, type Step } from "../transformation.ts";

/** A number, a variable, or a calculation. */
export const expression: z.ZodType<Expression> = z.lazy(() =>
  z.union([
    z.number(),
    z.enum(VARIABLES),
    z.tuple([z.enum(["add", "sub", "mul", "div", "mod", "pow"]), expression, expression]),
  ]),
);

/** Fields of a stretch of time. */
export const stretch = {
  start: expression.exactOptional(),
  end: expression.exactOptional(),
  duration: expression.exactOptional(),
};

export const rgba: z.ZodType<Rgba> = z.strictObject({
  r: z.number().min(0).max(255),
  g: z.number().min(0).max(255),
  b: z.number().min(0).max(255),
  alpha: z.number().min(0).max(1),
});

export const paint: z.ZodType<Paint> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("color"), color: rgba }),
  z.strictObject({
    kind: z.literal("blurred"),
    intensity: z.union([z.number().min(0).max(100), z.literal("auto")]),
    brightness: z.number().min(-255).max(255),
  }),
  z.strictObject({ kind: z.literal("dominant") }),
  z.strictObject({ kind: z.literal("gradient"), colors: z.union([z.literal(2), z.literal(4)]) }),
]);

export const gravity: z.ZodType<Gravity> = z.enum(GRAVITIES);

export const focus: z.ZodType<Focus> = z.enum([...GRAVITIES, "attention", "entropy", "faces", "custom"]);

/** A step inside another: only its form; it is checked by its own definition. */
export const innerStep = z.looseObject({ op: z.string().min(1) }) as unknown as z.ZodType<Step>;
