import type { Hooks } from "../hooks.ts";
import type { Size } from "../model/expression.ts";
import type { Inspections, RawFrame, RenderContext } from "../model/render-context.ts";
import type { Source } from "../model/source.ts";
import type { Op, StepOf } from "../model/transformation.ts";

/** How a tap is known: its label, and its place among the hook's taps. */
export interface TapOptions {
  /** The plugin's name. */
  readonly name: string;
  /** One of `Stage`, or a number between two of them. @default Stage.normal */
  readonly stage?: number;
}

type ArgsOf<H> = H extends { tapPromise(options: never, fn: (...args: infer A) => Promise<infer R>): void }
  ? { args: A; result: R }
  : H extends { tap(options: never, fn: (...args: infer A) => infer R): void }
    ? { args: A; result: R }
    : never;

/** A hook as plugins see it: to be tapped, never to be called. */
export interface TapHook<H> {
  /** Adds a function that answers at once. In a bail hook anything but `undefined` and `null` ends the search. */
  tap(options: string | TapOptions, fn: (...args: ArgsOf<H>["args"]) => ArgsOf<H>["result"]): void;
  /** Adds a function that answers later. */
  tapPromise(
    options: string | TapOptions,
    fn: (...args: ArgsOf<H>["args"]) => Promise<ArgsOf<H>["result"]>,
  ): void;
}

/** A family of hooks, one a name. */
export interface TapMap<H> {
  for(name: string): TapHook<H>;
}

/** Hooks that carry out steps: a tap gets the step of its own operation. */
export interface StepTaps {
  for<K extends Op>(op: K): TapHook<TypedHook<[frame: RawFrame, step: StepOf<K>, size: Size], RawFrame>>;
}

/** Hooks that inspect sources: a tap returns what its own name stands for. */
export interface InspectTaps {
  for<K extends keyof Inspections>(
    name: K,
  ): TapHook<TypedHook<[source: Source, context: RenderContext], Inspections[K]>>;
}

/** What `TapHook` takes from a hook. */
interface TypedHook<A extends readonly unknown[], R> {
  tapPromise(options: never, fn: (...args: A) => Promise<R | undefined>): void;
}

/** The hooks as plugins see them; contracts: `createHooks`. */
export type PluginHooks = {
  readonly [K in Exclude<keyof Hooks, "step" | "inspect">]: Hooks[K] extends { for(key: string): infer H }
    ? TapMap<H>
    : TapHook<Hooks[K]>;
} & { readonly step: StepTaps; readonly inspect: InspectTaps };
