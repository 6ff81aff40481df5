import { each } from "../load.ts";
import type { Work } from "../peers/peer.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 4;

const TITLES: Readonly<Record<Work, string>> = {
  product: "product pages: to 800 px, a logo and a text on it, WebP",
  "thumb-webp": "thumbnails: to 600 px, 400x400 of it, sharpened, rounded, WebP",
  "thumb-png": "the same as PNG",
};

/** What shops ask for: layers, text and chains, against the same work written by hand for sharp. */
export const product = (work: Work): Scenario => ({
  name: work,
  title: `${TITLES[work]}, ${CLIENTS} clients`,
  takes: (peer) => peer.work !== undefined,
  run: (turn) => turn.measure(() => each(turn.fresh(work), CLIENTS)),
});
