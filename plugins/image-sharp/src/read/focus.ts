import type { FocusBox, RenderContext, Source, Step } from "@mediatap/core";
import type { Draft } from "../plan/draft.ts";

/** What a crop needs to know of the source before pixel work: its faces, or its focal point. */
export type Search = "faces" | "focalPoint";

/** What is known of the faces and the focal point of a picture: where they are, or that they are looked for once pixel work may begin. */
export type KnownBoxes = readonly FocusBox[] | { readonly pending: readonly Search[] };

/** What the crops among the steps look at. */
function searchesOf(steps: readonly Step[]): ReadonlySet<Search> {
  const focuses = steps.flatMap((step) => {
    switch (step.op) {
      case "resize":
        return step.fit === "cover" ? [step.focus] : [];
      case "extract":
        return step.at ? [] : [step.focus];
      case "when":
        return [...searchesOf(step.then), ...searchesOf(step.else)];
      default:
        return [];
    }
  });
  const found = new Set<Search>();
  if (focuses.some((focus) => focus === "faces")) found.add("faces");
  if (focuses.some((focus) => focus === "custom" || focus === "focalPoint")) found.add("focalPoint");
  return found;
}

/** The boxes that a chain needs to know of before pixel work. */
export function boxesBefore(
  steps: readonly Step[],
  renderContext: RenderContext,
): { readonly boxes?: KnownBoxes } {
  const pending = [...searchesOf(steps)].filter((search) => renderContext.hasInspector(search));
  return pending.length > 0 ? { boxes: { pending } } : {};
}

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
