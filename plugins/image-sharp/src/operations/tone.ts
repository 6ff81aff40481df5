import { megapixels } from "../pixels/size.ts";
import { type Operation, type Prices, tone } from "./operation.ts";

/** libvips blurs from a sigma of 0.3 on; less would not be seen. */
const blur: Operation<"blur"> = ({ sigma }, context) =>
  tone(sigma < 0.3 ? [] : [{ slot: "blur", value: sigma }], context);

const grayscale: Operation<"grayscale"> = (_step, context) =>
  tone([{ slot: "grayscale", value: true }], context);

const contrast: Operation<"contrast"> = (_step, context) =>
  tone([{ slot: "normalise", value: true }], context);

/** `amount` 50 is sharp's own strength; it has no upper end. */
const sharpen: Operation<"sharpen"> = ({ amount }, context) => {
  const strength = Math.min(amount / 50, 1000);
  const value = { sigma: 1, m1: strength, m2: 2 * strength, x1: 2, y2: 10 * strength, y3: 20 * strength };
  return tone(amount === 0 ? [] : [{ slot: "sharpen", value }], context);
};

/** In libvips' words: what differs by less than the threshold (of 100 steps of lightness) is left alone. */
const unsharp: Operation<"unsharp"> = ({ radius, sigma, amount, threshold }, context) => {
  const value = {
    sigma: Math.min(10, Math.max(0.3, sigma || radius / 2)),
    m1: 0,
    m2: Math.min(amount, 1000),
    x1: Math.min(threshold, 1) * 100,
    y2: 100,
    y3: 100,
  };
  return tone(amount === 0 ? [] : [{ slot: "sharpen", value }], context);
};

/** Operations that change colours and leave the size alone. */
export const tones = { blur, grayscale, contrast, sharpen, unsharp };

export const tonePrices: Prices = {
  blur: (step, before) => megapixels(before) * (4 + step.sigma),
  contrast: (_step, before) => megapixels(before) * 50,
  sharpen: (_step, before) => 15 + megapixels(before) * 70,
  unsharp: (step, before) => 15 + megapixels(before) * (70 + 4 * step.sigma),
};
