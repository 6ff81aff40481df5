import { each } from "../load.ts";
import type { Scenario } from "./scenario.ts";

const MIB = 1024;

/** A large file of a web server, passed through: nothing of it may pile up in memory. */
export const through: Scenario = {
  name: "through",
  title: `${MIB} MiB from a web server, passed through to one client (figures a file)`,
  takes: (peer) => peer.through !== undefined,
  async run({ running, measure }) {
    const { through } = running.peer;
    if (through === undefined) return undefined;
    return measure(() => each([`${running.origin}${through}/${MIB}.bin`], 1));
  },
};
