import { each } from "../load.ts";
import { mediatap } from "../peers/mediatap.ts";
import { large } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

/** What one large photograph takes at its peak, of a server that has done nothing else yet. */
export const huge: Scenario = {
  name: "huge",
  title: "a JPEG of 100 megapixels to 512 px JPEG, by a new process",
  servers: [mediatap],
  withBare: true,
  fresh: true,
  takes: () => true,
  async run(turn) {
    const [photograph = ""] = turn.links(await large(100), 1);
    await turn.restart();
    const { origin, peer } = turn.running;
    return turn.measure(() => each([origin + peer.path(photograph, "jpg")], 1));
  },
};
