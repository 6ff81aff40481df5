import { again, ask } from "../load.ts";
import type { Scenario, Turn } from "./scenario.ts";

/** 304 where the rendition is in memory. */
export const heldWarm: Scenario = {
  name: "304-warm",
  title: "304, rendition in memory",
  takes: (peer) => peer.conditions,
  run: (turn) => held(turn, async () => {}),
};

/** 304 where nothing but the origin is left to tell: after a restart, as after an eviction. */
export const heldCold: Scenario = {
  name: "304-cold",
  title: "304 after a restart, no rendition",
  takes: (peer) => peer.conditions,
  run: (turn) => held(turn, async () => void (await turn.restart())),
};

async function held(turn: Turn, between: () => Promise<void>) {
  const { peer } = turn.running;
  const [url] = turn.fresh("webp", 1) as [string];
  const { etag } = await ask(url);
  if (!etag) return undefined;
  await between();
  // A restarted server listens elsewhere.
  const here = url.replace(/^http:\/\/[^/]+/, turn.running.origin);
  const headers = { "if-none-match": etag };
  const { status } = await ask(here, { headers });
  if (status !== 304) throw new Error(`${peer.name} answered ${status} to its own entity tag`);
  await again(here, 1, headers);
  return turn.measure(() => again(here, turn.seconds, headers));
}
