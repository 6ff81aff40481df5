import { z } from "zod";
import type { Rgba } from "../colour.ts";
import { invalid, MediaError } from "../errors.ts";
import { type Expression, evaluate } from "../expression.ts";
import type { Point, StepOf } from "../transformation.ts";
import { foldFields } from "./canonical.ts";
import { distortedSize, isQuadrilateral } from "./distort.ts";
import { megapixels, scopeAt } from "./geometry.ts";
import type { Stage, StepDefinition } from "./registry.ts";
import { expression, rgba } from "./schema.ts";

declare module "../transformation.ts" {
  interface Steps {
    /**
     * A linear gradient over all of the picture, clear parts included. Colours are mixed premultiplied (CSS Images 3
     * §3.1), so that one fades into clear without a grey in between.
     */
    gradient: {
      /** The way it runs, in degrees: 0 to the top, 90 to the right. Its length reaches from corner to corner, as in CSS. */
      readonly angle: number;
      readonly from: Rgba;
      readonly to: Rgba;
      /** Where `to` is reached: up to 1 a fraction of the length, above that pixels. Zero or less is an error. */
      readonly stop: Expression;
    };
    /** Gives the picture another shape; around it the canvas is clear. */
    distort:
      | {
          readonly mode: "perspective";
          /**
           * Where the corners come to lie, clockwise from the top left one, in pixels from the picture's old top left
           * corner; a convex quadrilateral. The canvas grows where they lie outside, and never shrinks.
           */
          readonly corners: readonly [Point, Point, Point, Point];
        }
      | {
          readonly mode: "arc";
          /**
           * Degrees that the picture spans, up to 360: the middle rises, or sinks below 0. The middle line keeps its
           * length; the canvas is what the arc needs.
           */
          readonly angle: number;
        };
    /** A black shadow behind what is opaque. The canvas stays: only clear parts show it, so an opaque picture has none. */
    shadow: {
      /** Of the blur, in pixels. */
      readonly sigma: number;
      /** Opacity, 0–1. */
      readonly strength: number;
      /** Offset as a fraction of the width, -1–1; above 0 to the right. */
      readonly x: number;
      /** Offset as a fraction of the height, -1–1; above 0 to the bottom. */
      readonly y: number;
    };
    /** Lays hue and saturation of a colour on the picture, whose luminosity stays (the blend mode `color` of Compositing 1). */
    colorize: {
      readonly color: Rgba;
      /** 0–1. */
      readonly intensity: number;
    };
    /** Replaces one colour by another, its shades by the like shades. */
    recolor: {
      /** Where it is translucent, what was replaced becomes so. */
      readonly to: Rgba;
      /** Distance in CIELAB up to which a colour counts as `from`, 0–100; the effect fades over its last quarter. */
      readonly tolerance: number;
      /** Left out: the picture's dominant colour. */
      readonly from?: Rgba;
    };
  }
}

/** Largest picture that gets a shadow. */
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
      `Expected at most ${SHADOW_MEGAPIXELS} megapixels for a shadow but received ${received.toFixed(1)}`,
    );
  },
  faces: "stay",
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
  faces: "stay",
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
};

const colorize: StepDefinition<StepOf<"colorize">> = {
  schema: z.strictObject({
    op: z.literal("colorize"),
    color: rgba,
    intensity: z.number().min(0).max(1),
  }),
  canonical: (step) => (step.intensity === 0 || step.color.alpha === 0 ? undefined : step),
  faces: "stay",
};

const recolor: StepDefinition<StepOf<"recolor">> = {
  schema: z.strictObject({
    op: z.literal("recolor"),
    to: rgba,
    tolerance: z.number().min(0).max(100),
    from: rgba.exactOptional(),
  }),
  faces: "stay",
};

/** Steps that paint over, under and with the picture, or bend it. */
export const effectSteps = { gradient, distort, shadow, colorize, recolor };
