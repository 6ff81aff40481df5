import { z } from "zod";
import { invalid, MediaError } from "../errors.ts";
import { evaluate } from "../expression.ts";
import type { Point, StepOf } from "../transformation.ts";
import { foldFields } from "./canonical.ts";
import { distortedSize, isQuadrilateral } from "./distort.ts";
import { megapixels, scopeAt } from "./geometry.ts";
import type { Stage, StepDefinition } from "./registry.ts";
import { expression, rgba } from "./schema.ts";

/** ImageKit's largest picture that gets a shadow. */
const SHADOW_MEGAPIXELS = 2;

const fraction = z.number().min(-1).max(1);

const shadow: StepDefinition<StepOf<"shadow">> = {
  schema: z.strictObject({
    op: z.literal("shadow"),
    sigma: z.number().min(0).max(100),
    strength: z.number().min(0).max(1),
    x: fraction,
    y: fraction,
  }),
  canonical: (step) => (step.strength === 0 ? undefined : step),
  size(_step, { current }) {
    const received = megapixels(current);
    if (received <= SHADOW_MEGAPIXELS) return current;
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${SHADOW_MEGAPIXELS} megapixels for shadow but received ${received.toFixed(1)}`,
    );
  },
  cost: (step, before) => megapixels(before) * (60 + 2 * step.sigma),
};

/** Where a gradient begins and where `to` is reached, in pixels. */
export interface GradientLine {
  readonly from: Point;
  readonly to: Point;
}

/** The line of a gradient. Throws `EINVAL` for a stop of 0 or less. */
export function gradientLine(step: StepOf<"gradient">, stage: Stage): GradientLine {
  const { width, height } = stage.current;
  const stop = evaluate(step.stop, scopeAt(stage));
  if (!(stop > 0)) throw invalid("gradient", "a stop above 0", stop);
  const turn = (step.angle * Math.PI) / 180;
  const [across, down] = [Math.sin(turn), -Math.cos(turn)];
  const length = Math.abs(width * across) + Math.abs(height * down);
  const reach = stop <= 1 ? stop * length : stop;
  const [x, y] = [(width - across * length) / 2, (height - down * length) / 2];
  return { from: [x, y], to: [x + across * reach, y + down * reach] };
}

const gradient: StepDefinition<StepOf<"gradient">> = {
  schema: z.strictObject({
    op: z.literal("gradient"),
    angle: z.number(),
    from: rgba,
    to: rgba,
    stop: expression,
  }),
  canonical(step) {
    if (step.from.alpha === 0 && step.to.alpha === 0) return undefined;
    return { ...foldFields(step, "stop"), angle: ((step.angle % 360) + 360) % 360 };
  },
  size(step, stage) {
    gradientLine(step, stage);
    return stage.current;
  },
  cost: (_step, before) => megapixels(before) * 40,
};

const point: z.ZodType<Point> = z.tuple([z.number(), z.number()]);

const distort: StepDefinition<StepOf<"distort">> = {
  schema: z.discriminatedUnion("mode", [
    z.strictObject({
      op: z.literal("distort"),
      mode: z.literal("perspective"),
      corners: z
        .tuple([point, point, point, point])
        .refine(isQuadrilateral, "Expected corners of a quadrilateral that is convex"),
    }),
    z.strictObject({
      op: z.literal("distort"),
      mode: z.literal("arc"),
      angle: z
        .number()
        .min(-360)
        .max(360)
        .refine((angle) => angle !== 0, "Expected an angle other than 0"),
    }),
  ]),
  size: (step, { current }) => distortedSize(step, current),
  // Where the picture shrinks, each of its pixels is looked at; where it grows, each of the result.
  cost: (_step, before, after) => 5 + (megapixels(before) + megapixels(after)) * 80,
};

const colorize: StepDefinition<StepOf<"colorize">> = {
  schema: z.strictObject({
    op: z.literal("colorize"),
    color: rgba,
    intensity: z.number().min(0).max(1),
  }),
  canonical: (step) => (step.intensity === 0 || step.color.alpha === 0 ? undefined : step),
  cost: (_step, before) => 5 + megapixels(before) * 20,
};

const recolor: StepDefinition<StepOf<"recolor">> = {
  schema: z.strictObject({
    op: z.literal("recolor"),
    to: rgba,
    tolerance: z.number().min(0).max(100),
    from: rgba.exactOptional(),
  }),
  cost: (_step, before) => 5 + megapixels(before) * 150,
};

/** Steps that paint over, under and with the picture, or bend it. */
export const effectSteps = { gradient, distort, shadow, colorize, recolor };
