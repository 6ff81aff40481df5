import type { FocusBox, RenderContext, Step } from "@mediatap/core";

/** What a crop needs to know of the source before pixel work: its faces, or its focal point. */
export type Search = "faces" | "focalPoint";

/** What is known of the faces and the focal point of a picture: where they are, or that they are searched once pixel work may start. */
export type KnownBoxes = readonly FocusBox[] | { readonly pending: readonly Search[] };

/** What the crops among the steps need. */
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
  const searches = new Set<Search>();
  if (focuses.some((focus) => focus === "faces")) searches.add("faces");
  if (focuses.some((focus) => focus === "custom" || focus === "focalPoint")) searches.add("focalPoint");
  return searches;
}

/** The boxes that a chain needs to know of before pixel work. */
export function boxesBefore(
  steps: readonly Step[],
  renderContext: RenderContext,
): { readonly boxes?: KnownBoxes } {
  const pending = [...searchesOf(steps)].filter((search) => renderContext.hasInspector(search));
  return pending.length > 0 ? { boxes: { pending } } : {};
}
