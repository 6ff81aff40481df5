import type { Step } from "@mediatap/core";
import type { StepRegistry } from "@mediatap/core/steps";
import { effectPrices, effects } from "./effects.ts";
import { geometry, geometryPrices } from "./geometry.ts";
import {
  type Context,
  type Operation,
  type OperationResult,
  type Price,
  type Prices,
  tone,
} from "./operation.ts";
import { surfacePrices, surfaces } from "./surface.ts";
import { tonePrices, tones } from "./tone.ts";

/** The operations of this engine by their names. */
const OPERATIONS = {
  // It has already changed the output.
  write: ((_step, context) => tone([], context)) as Operation<"write">,
  // The decoder already reads this frame.
  frame: ((_step, context) => tone([], context)) as Operation<"frame">,
  ...geometry,
  ...tones,
  ...surfaces,
  ...effects,
};

const free = () => 0;

const PRICES: Prices = {
  write: free,
  frame: free,
  clip: free,
  speed: free,
  volume: free,
  ...geometryPrices,
  ...tonePrices,
  ...surfacePrices,
  ...effectPrices,
};

/** The price of a step: this engine's, else that of its definition. */
export const priceOf = ({ op }: Step, registry: StepRegistry): Price<Step> | undefined =>
  (PRICES[op] as Price<Step> | undefined) ?? registry.get(op)?.cost;

function staysOpaque(step: Step, registry: StepRegistry): boolean {
  const { opaque = false } = registry.get(step.op) ?? {};
  return typeof opaque === "function" ? opaque(step) : opaque;
}

/** Plans a step at a point of the chain. Throws `EUNSUPPORTED` for what this engine cannot do. */
export function planStep(step: Step, context: Context): OperationResult {
  const operation = (
    OPERATIONS as Partial<Record<string, (step: Step, context: Context) => OperationResult>>
  )[step.op];
  if (operation) return operation(step, context);
  const alpha = context.alpha || !staysOpaque(step, context.registry);
  return { work: [{ kind: "foreign", step }], sizeUnknown: true, alpha };
}
