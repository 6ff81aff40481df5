import { MediaError, type Step } from "@mediatap/core";
import { KEYS, LAYER_KEYS, RETIRED_KEYS } from "./parameters.ts";

/** A parameter that the language gets from outside: `key-value` stands for a step of a plugin. */
export interface CustomParameter {
  /**
   * The step for a value: what stands behind the key and a hyphen, decoded; `""` if nothing does. It depends on nothing else, and
   * the step is frozen: all URLs with the same transformation share it. Throws `invalid(key, …)` for a
   * value that is wrong.
   */
  read(value: string, key: string): Step;
  /**
   * The value for a step, so that URLs of it can be built (playlists, pages); `undefined`: it is not of this parameter. Left
   * out: such URLs cannot be built.
   */
  print?(step: Step): string | undefined;
}

/** By key, in the order in which their steps are done within one step of the language. */
export type CustomParameters = Readonly<Record<string, CustomParameter>>;

const BLOCKS = ["l", "if", "n"];

/** Throws `ECONFIG` naming the key that the language cannot have. */
export function assertParameters(parameters: CustomParameters, where: string): void {
  for (const [key, parameter] of Object.entries(parameters)) {
    const at = `${where}.${key}`;
    const refuse = (text: string) => new MediaError("ECONFIG", `${at}: ${text}`);
    if (!/^(?:e-)?[A-Za-z][A-Za-z0-9]{0,39}$/.test(key)) {
      throw refuse("Expected up to 40 letters and digits as the key, with or without e- before it");
    }
    const taken = [KEYS, LAYER_KEYS, RETIRED_KEYS].some((keys) => keys.has(key)) || BLOCKS.includes(key);
    if (taken) throw refuse("the language has this parameter already; choose another key");
    if (typeof parameter?.read !== "function") throw refuse("Expected { read, print } with functions");
  }
}

/** The parameter for a step that the language itself does not know; `undefined`: there is none. */
export function printCustom(step: Step, parameters: CustomParameters): string | undefined {
  for (const [key, { print }] of Object.entries(parameters)) {
    const value = print?.(step);
    if (value !== undefined) return value === "" ? key : `${key}-${value}`;
  }
  return undefined;
}
