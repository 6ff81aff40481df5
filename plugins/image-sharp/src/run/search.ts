import type { FocusBox, RenderContext, Source } from "@mediatap/core";
import type { ImagePlan } from "../plan/image-plan.ts";
import type { Search } from "../read/focus.ts";

/** Searches faces and focal points during a render. A failed search does not fail the render: its result is unknown. */
export class FocusSearch {
  #failed = false;
  readonly #renderContext: RenderContext;

  constructor(renderContext: RenderContext) {
    this.#renderContext = renderContext;
  }

  /** Whether a search failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The plan, with the faces and focal points that it needs. */
  async withBoxes(plan: ImagePlan, source: Source): Promise<ImagePlan> {
    return plan.withBoxes?.(await this.#boxes(source, plan.searches)) ?? plan;
  }

  /** `undefined`: nothing is known. */
  async #boxes(source: Source, searches: readonly Search[]): Promise<readonly FocusBox[] | undefined> {
    const faces = searches.includes("faces") ? await this.#inspect("faces", source) : undefined;
    const spot = searches.includes("focalPoint") ? await this.#inspect("focalPoint", source) : undefined;
    if (!faces && !spot) return undefined;
    const box = spot && { left: spot.x, top: spot.y, width: 0, height: 0, isFocalPoint: true };
    return [...(faces ?? []), ...(box ? [box] : [])];
  }

  async #inspect<K extends Search>(name: K, source: Source) {
    try {
      return await this.#renderContext.inspect(name, source);
    } catch {
      // The plugin has logged it.
      this.#renderContext.signal.throwIfAborted();
      this.#failed = true;
      return undefined;
    }
  }
}
