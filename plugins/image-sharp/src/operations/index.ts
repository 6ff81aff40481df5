import type { Step } from "@mediatap/core";
import type { StepRegistry } from "@mediatap/core/steps";
import { effectPrices, effects } from "./effects.ts";
import { geometry, geometryPrices } from "./geometry.ts";
import { type Context, type Drawer, type Drawn, type Price, type Prices, tone } from "./operation.ts";
import { surfacePrices, surfaces } from "./surface.ts";
import { tonePrices, tones } from "./tone.ts";

/** The operations of this engine by their names. */
const OPERATIONS = {
  // It has had its say on the output.
  write: ((_step, context) => tone([], context)) as Drawer<"write">,
  // The decoder has been told which frame to read.
  frame: ((_step, context) => tone([], context)) as Drawer<"frame">,
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

/** What a step comes to at a point of the chain. Throws `EUNSUPPORTED` for what this engine cannot do. */
export function draw(step: Step, context: Context): Drawn {
  const drawer = (OPERATIONS as Partial<Record<string, (step: Step, context: Context) => Drawn>>)[step.op];
  if (drawer) return drawer(step, context);
  const alpha = context.alpha || !staysOpaque(step, context.registry);
  return { work: [{ kind: "foreign", step }], unsure: true, alpha };
}
