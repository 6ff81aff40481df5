import { z } from "zod";
import type { Paint, Rgba } from "../colour.ts";
import { type Expression, VARIABLES } from "../expression.ts";
import type { Focus, Gravity, Step } from "../transformation.ts";

/** A number, a variable, or a calculation. */
export const expression: z.ZodType<Expression> = z.lazy(() =>
  z.union([
    z.number(),
    z.enum(VARIABLES),
    z.tuple([z.enum(["add", "sub", "mul", "div", "mod", "pow"]), expression, expression]),
  ]),
);

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

const gravities = [
  "center",
  "top",
  "bottom",
  "left",
  "right",
  "top-left",
  "top-right",
  "bottom-left",
  "bottom-right",
] as const satisfies readonly Gravity[];

export const gravity: z.ZodType<Gravity> = z.enum(gravities);

export const focus: z.ZodType<Focus> = z.enum([...gravities, "attention", "entropy", "faces", "custom"]);

/** A step inside another: only its form; it is checked by its own definition. */
export const innerStep = z.looseObject({ op: z.string().min(1) }) as unknown as z.ZodType<Step>;
