// What URL languages and engines need beside the root: the values of steps, expressions, sizes and geometry.

export type { Paint, Rgba } from "../model/colour.ts";
export type { Expression, Operator, Scope, Variable } from "../model/expression.ts";
export { evaluate, maximum, minimum, parentScope, scopeOf } from "../model/expression.ts";
export type { Box, Corner } from "../model/steps/box.ts";
export { branchOf } from "../model/steps/compose.ts";
export type { Arc } from "../model/steps/distort.ts";
export { arcGeometry, isQuadrilateral, perspectiveBox } from "../model/steps/distort.ts";
export type { GradientLine } from "../model/steps/effects.ts";
export { gradientLine } from "../model/steps/effects.ts";
export { facesAfter, facesIn } from "../model/steps/follow.ts";
export { boxesFor, extractGeometry, placeAt, resizeGeometry } from "../model/steps/geometry.ts";
export type { SizeBounds } from "../model/steps/measure.ts";
export { assertSizeAfter, measure, sizeAfter } from "../model/steps/measure.ts";
export type { PlacedLayer } from "../model/steps/place.ts";
export { placeLayer } from "../model/steps/place.ts";
export type { Stage as StepStage, StepDefinition, StepRegistry } from "../model/steps/registry.ts";
export { borderWidth } from "../model/steps/surface.ts";
export type { Stretch } from "../model/steps/time.ts";
export { stretchOf } from "../model/steps/time.ts";
export type {
  Blend,
  Condition,
  Focus,
  Gravity,
  ImageFormat,
  Layer,
  Length,
  Offset,
  Place,
  Point,
  Showing,
  SubtitleStyle,
  TextStyle,
  VideoOutput,
} from "../model/transformation.ts";
