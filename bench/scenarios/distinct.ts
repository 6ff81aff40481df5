import { each } from "../load.ts";
import type { Format } from "../peers/peer.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 4;

/** Many distinct photographs, each once. */
export const distinct = (format: Format): Scenario => ({
  name: `distinct-${format}`,
  title: `distinct photographs to 512 px, ${format === "jpg" ? "JPEG" : format === "webp" ? "WebP" : "AVIF"}, ${CLIENTS} clients`,
  rests: format === "jpg",
  takes: (peer) => peer.formats.includes(format),
  run: (turn) => turn.measure(() => each(turn.fresh(format), CLIENTS)),
});
