import type { FocusBox, RenderContext, Source } from "@mediatap/core";
import type { Draft } from "../plan/image-plan.ts";
import type { Search } from "../read/focus.ts";

/** Looks for faces and focal points while a picture is made. A search that fails makes no picture fail: its result is unknown. */
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

  /** A draft with what was to be looked for. */
  async found(draft: Draft, source: Source): Promise<Draft> {
    return draft.withBoxes?.(await this.#boxes(source, draft.searches)) ?? draft;
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
      // The plugin that looked has written its log.
      this.#renderContext.signal.throwIfAborted();
      this.#failed = true;
      return undefined;
    }
  }
}
