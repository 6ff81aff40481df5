import { invalid, isMediaError, type Job, MediaError, type Plugin, type Step } from "@mediatap/core";

const NAME = "url-pixels";

/** A URL language of two words: `/w300/pixels12/photo.jpg` and `/photo.jpg`. */
export function urlPixels(): Plugin {
  return {
    name: NAME,
    version: "1.0.0",
    apply({ hooks }) {
      hooks.resolve.tap(NAME, ({ target, accept }, endpoint): Job | undefined => {
        const parts = target.path.split("/");
        const first = parts.findIndex((part) => !/^(?:w|pixels)[^.]*$/.test(part));
        if (first < 0) return undefined;
        const job = {
          asset: {
            tenant: endpoint.tenant,
            endpoint: endpoint.name,
            kind: "path",
            path: pathOf(parts.slice(first)),
          },
          transformation: { steps: [], output: {} },
          accept,
          query: [...new URLSearchParams(target.query)],
          delivery: {},
          language: NAME,
          media: "image",
        } as const;
        try {
          return { ...job, transformation: { steps: parts.slice(0, first).map(stepOf), output: {} } };
        } catch (error) {
          if (!isMediaError(error)) throw error;
          // The asset is known: access rules are heard before this is answered.
          return { ...job, problem: { code: error.code, message: error.message } };
        }
      });
      hooks.link.for(NAME).tap(NAME, ({ asset, transformation, query }, { target }) => {
        const words = transformation.steps.map((step) =>
          step.op === "pixelate" ? `pixels${step.size}` : step.op === "resize" ? `w${step.width}` : "",
        );
        const path = [...words, ...asset.path.split("/").map(encodeURIComponent)].join("/");
        const search = new URLSearchParams(
          query.map(([name, value]): [string, string] => [name, value]),
        ).toString();
        return `/${target.mount}${path}${search === "" ? "" : `?${search}`}`;
      });
    },
  };
}

function stepOf(word: string): Step {
  const [, name, digits = ""] = /^(w|pixels)(.*)$/.exec(word) ?? [];
  const number = /^[1-9]\d{0,3}$/.test(digits) ? Number(digits) : Number.NaN;
  if (Number.isNaN(number)) throw invalid(name ?? word, "integer from 1 to 9999", digits);
  if (name === "pixels") return { op: "pixelate", size: number };
  return { op: "resize", width: number, fit: "inside", enlarge: false };
}

function pathOf(parts: readonly string[]): string {
  const names = parts.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new MediaError("EINVAL", "Expected a path in UTF-8");
    }
  });
  // Control characters, and what only a file system gives a meaning to.
  const odd = names.find((name) => ["", ".", ".."].includes(name) || /[/\p{Cc}]/u.test(name));
  if (odd !== undefined) throw invalid("the path", "a plain name", odd);
  return names.join("/");
}
