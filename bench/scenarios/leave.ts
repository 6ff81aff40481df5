import { Agent, type ClientRequest } from "node:http";
import { ask, each } from "../load.ts";
import { sleep } from "../measure.ts";
import { large } from "../photographs.ts";
import type { Scenario, Turn } from "./scenario.ts";

const CLIENTS = 8;
const STAY_MS = 60;

/** More clients than cores ask at once, each for a photograph of its own and a slow format, and go away. */
export const leave: Scenario = {
  name: "leave",
  title: `${CLIENTS} clients that leave after ${STAY_MS} ms, 24 megapixels to AVIF`,
  share: "of the CPU that the same photographs cost clients who stay",
  takes: ({ name }) => name === "mediatap" || name === "bare sharp",
  async run(turn) {
    const photograph = await large(24);
    const stayed = await turn.measure(() => each(urls(turn, photograph), CLIENTS));
    const left = await turn.measure(async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
      const requests: ClientRequest[] = [];
      const responses = urls(turn, photograph).map((url) =>
        ask(url, { agent, onStart: (request) => requests.push(request) }).catch(() => undefined),
      );
      const begun = performance.now();
      await sleep(STAY_MS);
      for (const request of requests) request.destroy();
      await Promise.all(responses);
      agent.destroy();
      const time = performance.now() - begun;
      return { requests: requests.length, throughput: (requests.length * 1000) / time, p50: time, p99: time };
    });
    return { ...left, share: left.cpu / stayed.cpu };
  },
};

const urls = ({ links, running: { origin, peer } }: Turn, photograph: string): string[] =>
  links(photograph, CLIENTS).map((path) => origin + peer.path(path, "avif"));
