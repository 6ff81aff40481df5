import type { Job, Plugin, Step, StreamPart } from "@mediatap/core";
import { partOfName } from "@mediatap/core/stream";

const NAME = "test-streams";

/** A URL language of streams alone: an asset's path, the name of a part, and steps as JSON. */
export function streamLanguage(): Plugin {
  return {
    name: NAME,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.resolve.tap(NAME, ({ target, accept }, endpoint) => {
        const query = new URLSearchParams(target.query);
        const at = target.path.lastIndexOf("/");
        const part = partOf(target.path.slice(at + 1), query);
        return {
          asset: {
            tenant: endpoint.tenant,
            endpoint: endpoint.name,
            kind: "path",
            path: decodeURIComponent(target.path.slice(0, at)),
          },
          transformation: {
            steps: JSON.parse(query.get("steps") ?? "[]") as Step[],
            output: { video: part ? { part } : {} },
          },
          accept,
          query: [],
          delivery: {},
          language: NAME,
          media: "video",
        } satisfies Job;
      });
      hooks.link.for(NAME).tap(NAME, ({ asset, transformation }) => {
        const { steps } = transformation;
        const query = steps.length > 0 ? `?steps=${encodeURIComponent(JSON.stringify(steps))}` : "";
        return `/${asset.path}/*${query}`;
      });
    },
  };
}

function partOf(name: string, query: URLSearchParams): StreamPart | undefined {
  const rungs = (query.get("sr") ?? "").split("_").filter(Boolean).map(Number);
  if (name === "master.m3u8") return { kind: "master", protocol: "hls", rungs };
  if (name === "master.mpd") return { kind: "master", protocol: "dash", rungs };
  if (name === "previews.vtt") return { kind: "previews" };
  return partOfName(name);
}
