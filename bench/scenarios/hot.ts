import { again, each } from "../load.ts";
import type { Scenario } from "./scenario.ts";

/** One URL that everybody wants. */
export const hot: Scenario = {
  name: "hot",
  title: "one hot URL, WebP (JPEG of nginx)",
  takes: () => true,
  async run(turn) {
    const [url] = turn.fresh(turn.running.peer.formats.includes("webp") ? "webp" : "jpg", 1) as [string];
    await each([url], 1);
    await again(url, 1);
    return turn.measure(() => again(url, turn.seconds));
  },
};
