import { Readable } from "node:stream";
import { bodyOf, type CompleteBody, MediaError, type PlanResult, type Plugin } from "@mediatap/core";

/** An engine of lane "video" whose results are texts: whole at once, growing, or broken, as the file's name says. */
export function fakeVideos(): Plugin {
  const name = "test-videos";
  const bytes = Buffer.alloc(1000, "v");
  const settled = () => bodyOf(bytes);

  function growing(ending: () => Promise<CompleteBody>): PlanResult {
    const whole = Promise.withResolvers<CompleteBody>();
    whole.promise.catch(() => {});
    async function* grow() {
      yield bytes.subarray(0, 10);
      try {
        whole.resolve(await ending());
      } catch (error) {
        whole.reject(error);
        throw error;
      }
      yield bytes.subarray(10);
    }
    const stream = async () => Readable.from(grow());
    return { body: { complete: false, stream, completed: whole.promise }, type: "video/mp4", format: "mp4" };
  }

  return {
    name,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.transform.tap(name, ({ asset }) => ({
        engine: name,
        lane: "video",
        cost: 1,
        memory: 0,
        explain: () => ({ duration: 4, size: "64x36" }),
        async run(): Promise<PlanResult> {
          const broken = () => Promise.reject(new MediaError("UNIDENTIFIED", "The video is broken"));
          if (asset.path.includes("broken")) return await broken();
          if (asset.path.includes("breaks-off")) return growing(broken);
          if (asset.path.includes("grows")) return growing(async () => settled());
          return { body: settled(), type: "video/mp4", format: "mp4", width: 128, height: 72 };
        },
      }));
    },
  };
}
