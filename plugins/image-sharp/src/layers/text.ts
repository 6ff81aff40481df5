import type { Limits, RenderContext, Size } from "@mediatap/core";
import { evaluate, type Layer, parentScope, type Scope } from "@mediatap/core/steps";
import type { Pixels } from "../pixels/buffer.ts";
import { readFont, renderText, type TextBox, textCost, textMemory } from "../text/index.ts";
import { isFontFile, type LayerFiles } from "./open.ts";

type TextLayer = Extract<Layer, { kind: "text" }>;

/** A text layer's own pixels. */
export async function renderTextLayer(
  layer: TextLayer,
  scope: Scope,
  files: LayerFiles,
  { limits, signal }: RenderContext,
): Promise<Pixels> {
  const { font } = layer.style;
  const resolvedFont = isFontFile(font) ? await readFont(files.font(font)) : font;
  const box = { ...boxOf(layer, scope), ...(resolvedFont !== undefined && { font: resolvedFont }) };
  return renderText(box, { fonts: files.fonts, limits, signal });
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

/** CPU and memory of a text on a picture of this size. */
export function estimateText(layer: TextLayer, base: Size, limits: Limits) {
  const box = boxOf(layer, parentScope(base));
  return { cost: textCost(box), memory: textMemory(box, limits) };
}
