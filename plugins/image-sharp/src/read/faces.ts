import type { FaceBox, RenderContext, Source, Step } from "@mediatap/core";

/** What is known of the faces in a picture: where they are, or that they are looked for once pixel work may begin. */
export type KnownFaces = readonly FaceBox[] | "pending";

/** Whether a crop among the steps looks at faces. */
export function looksForFaces(steps: readonly Step[]): boolean {
  return steps.some((step) => {
    switch (step.op) {
      case "resize":
        return step.focus === "faces" && step.fit === "cover";
      case "extract":
        return step.focus === "faces" && !step.at;
      case "when":
        return looksForFaces(step.then) || looksForFaces(step.else);
      default:
        return false;
    }
  });
}

/** The faces that a chain needs to know of before pixel work. */
export const facesBefore = (steps: readonly Step[], renderContext: RenderContext): { faces?: KnownFaces } =>
  looksForFaces(steps) && renderContext.hasInspector("faces") ? { faces: "pending" } : {};

/** Looks for faces while a picture is made. A search that fails makes no picture fail: its faces are unknown. */
export class FaceSearch {
  #failed = false;
  readonly #renderContext: RenderContext;

  constructor(renderContext: RenderContext) {
    this.#renderContext = renderContext;
  }

  /** Whether a search failed. */
  get failed(): boolean {
    return this.#failed;
  }

  async of(source: Source): Promise<{ faces?: readonly FaceBox[] }> {
    try {
      const faces = await this.#renderContext.inspect("faces", source);
      return faces ? { faces } : {};
    } catch {
      // The plugin that looked has told the log.
      this.#renderContext.signal.throwIfAborted();
      this.#failed = true;
      return {};
    }
  }
}
