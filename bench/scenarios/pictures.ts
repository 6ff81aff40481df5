import { each } from "../load.ts";
import { tiny as tinyFile, transparent } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

const CLIENTS = 4;
const TRANSPARENT = 12;
/** Photographs and tiny pictures that are requested before the others. */
const WARM_UP = 12;
const TINY_WARM_UP = 500;

/** Photographs that a web server has: reading them must not cost much beside the work. */
export const remote: Scenario = {
  name: "remote",
  title: `distinct photographs of a web server to 256 px WebP, ${CLIENTS} clients`,
  takes: (peer) => peer.remote !== undefined,
  async run(turn) {
    const { origin, peer } = turn.running;
    const urls = (part?: number) =>
      turn.links(undefined, part).map((photograph) => `${origin}${peer.remote?.(photograph)}`);
    // Connects, and compiles what reads a body.
    await each(urls(WARM_UP), CLIENTS);
    return turn.measure(() => each(urls(), CLIENTS));
  },
};

/** Pictures with an alpha channel, which libvips resizes in premultiplied form. */
export const alpha: Scenario = {
  name: "alpha",
  title: `PNG with alpha, 3 megapixels, to 512 px WebP, ${CLIENTS} clients`,
  takes: (peer) => peer.formats.includes("webp"),
  async run(turn) {
    const { origin, peer } = turn.running;
    const pictures = turn.links(await transparent(), TRANSPARENT);
    return turn.measure(() =>
      each(
        pictures.map((picture) => origin + peer.path(picture, "webp")),
        CLIENTS,
      ),
    );
  },
};

/** Pictures that cost next to nothing: what is left is the way of a request. */
export const tiny: Scenario = {
  name: "tiny",
  title: `JPEG of 96x64 to 64 px WebP, each another one, ${CLIENTS} clients`,
  takes: (peer) => peer.formats.includes("webp"),
  async run(turn) {
    const { origin, peer } = turn.running;
    const urls = turn
      .links(await tinyFile(), TINY_WARM_UP + 250 * turn.seconds)
      .map((picture) => origin + peer.path(picture, "webp", 64));
    await each(urls.slice(0, TINY_WARM_UP), CLIENTS);
    return turn.measure(() => each(urls.slice(TINY_WARM_UP), CLIENTS));
  },
};
