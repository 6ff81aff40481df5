import {
  evaluate,
  type Flight,
  type Layer,
  type Limits,
  parentScope,
  type Scope,
  type Size,
  type Step,
} from "@mediatap/core";
import type { Pixels } from "./held.ts";
import { isFontFile, type LayerFiles } from "./layers.ts";
import { drawText, readFont, type TextBox, textCost, textMemory } from "./text.ts";

type TextLayer = Extract<Layer, { kind: "text" }>;

/** A text layer's own pixels. */
export async function drawStyled(
  layer: TextLayer,
  scope: Scope,
  files: LayerFiles,
  { limits, signal }: Flight,
): Promise<Pixels> {
  const { font } = layer.style;
  const chosen = isFontFile(font) ? await readFont(files.font(font)) : font;
  const box = { ...boxOf(layer, scope), ...(chosen !== undefined && { font: chosen }) };
  return { ...(await drawText(box, { fonts: files.fonts, limits, signal })), frames: 1 };
}

function boxOf({ text, style }: TextLayer, scope: Scope): TextBox {
  const { font: _chosen, bold, italic, strikethrough, size, width, lineHeight, padding, ...rest } = style;
  const [top, right, bottom, left] = padding ?? [0, 0, 0, 0];
  return {
    ...rest,
    text,
    bold: bold ?? false,
    italic: italic ?? false,
    strikethrough: strikethrough ?? false,
    size: evaluate(size, scope),
    ...(width !== undefined && { width: evaluate(width, scope) }),
    ...(lineHeight !== undefined && { lineHeight: evaluate(lineHeight, scope) }),
    padding: [evaluate(top, scope), evaluate(right, scope), evaluate(bottom, scope), evaluate(left, scope)],
  };
}

export interface TextWork {
  /** Estimated milliseconds of one core. */
  readonly cost: number;
  /** Estimated bytes. */
  readonly memory: number;
}

const NONE: TextWork = { cost: 0, memory: 0 };

/** What the texts take that a step lays on a picture of this size, those on its layer too. */
export function textWork(step: Step, base: Size, limits: Limits): TextWork {
  if (step.op !== "overlay") return NONE;
  const { layer } = step;
  // A layer is taken to be as large as what lies below it.
  const inner = (layer.kind === "subtitles" ? [] : layer.steps).map((step) => textWork(step, base, limits));
  return [layer.kind === "text" ? priced(layer, base, limits) : NONE, ...inner].reduce((sum, one) => ({
    cost: sum.cost + one.cost,
    memory: sum.memory + one.memory,
  }));
}

function priced(layer: TextLayer, base: Size, limits: Limits): TextWork {
  try {
    const box = boxOf(layer, parentScope(base));
    return { cost: textCost(box), memory: textMemory(box, limits) };
  } catch {
    // It is refused when it is drawn, by the sizes that there are then.
    return NONE;
  }
}
