import { type Flight, type Layer, MediaError, type Scope } from "@mediatap/core";
import type { Pixels } from "./held.ts";
import type { LayerFiles } from "./layers.ts";

/** A text layer's own pixels. */
export async function drawStyled(
  _layer: Extract<Layer, { kind: "text" }>,
  _scope: Scope,
  _files: LayerFiles,
  _flight: Flight,
): Promise<Pixels> {
  throw new MediaError("EUNSUPPORTED", "Layers of text are not supported yet");
}
