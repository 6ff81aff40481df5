import { tmpdir } from "node:os";
import { againAll, each, warm } from "../load.ts";
import { type Changes, configured } from "../peers/mediatap.ts";
import { tiny } from "../photographs.ts";
import type { Scenario } from "./scenario.ts";

interface Counts {
  readonly origins: number;
  readonly endpoints: number;
  readonly named: number;
  readonly tenants: number;
}

const BASE: Counts = { origins: 3, endpoints: 3, named: 3, tenants: 3 };
const URLS = 300;

const numbered = <T>(count: number, name: string, of: (at: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, of(at)]));

/** Only the last one of several origins has the files. */
const configOf =
  ({ origins, endpoints, named, tenants }: Counts) =>
  (media: string): Changes => {
    const folder = { type: "FOLDER", path: media, checkSeconds: 86_400 };
    const empty = { ...folder, path: tmpdir() };
    const places = numbered(origins, "o", (at) => (at === origins - 1 ? folder : empty));
    const endpoint = { origins: Object.keys(places) };
    const transformation = (at: number) => `w-64,f-webp,q-${20 + (at % 80)}`;
    return {
      origins: places,
      endpoints: { default: endpoint, ...numbered(endpoints - 1, "e", () => endpoint) },
      namedTransformations: numbered(named, "n", transformation),
      tenants: numbered(tenants, "t", () => ({
        origins: { folder },
        endpoints: { default: { origins: ["folder"] } },
        namedTransformations: { n: transformation(0) },
      })),
    };
  };

const grown = (name: string, counts: Partial<Counts> = {}) => {
  const all = { ...BASE, ...counts };
  const prefixes = [
    () => "/tr:w-64,f-webp",
    (at: number) => `/e${at % (all.endpoints - 1)}/tr:w-64,f-webp`,
    (at: number) => `/tr:n-n${at % all.named}`,
    (at: number) => `/t${at % all.tenants}/tr:n-n`,
  ];
  const urls = (pictures: readonly string[]) =>
    pictures.map(
      (picture, at) => `${prefixes[at % prefixes.length]?.(Math.floor(at / prefixes.length))}/${picture}`,
    );
  return { ...configured(name, configOf(all)), urls };
};

const PEERS = [
  grown("base"),
  grown("origins ×10", { origins: 10 * BASE.origins }),
  grown("endpoints ×10", { endpoints: 10 * BASE.endpoints }),
  grown("named ×100", { named: 100 * BASE.named }),
  grown("tenants ×100", { tenants: 100 * BASE.tenants }),
];

/** A hit must not cost more the more a configuration contains. */
export const growth: Scenario = {
  name: "growth",
  title: `hits on ${URLS} URLs in turn, 16 connections, by what the configuration contains`,
  servers: PEERS,
  fresh: true,
  takes: () => true,
  async run(turn) {
    const { origin, peer } = turn.running;
    const paths = PEERS.find(({ name }) => name === peer.name)?.urls(turn.links(await tiny(), URLS)) ?? [];
    const urls = paths.map((path) => origin + path);
    await each(urls, 4);
    await warm(urls, tmpdir());
    return turn.measure(() => againAll(urls, turn.seconds, tmpdir()));
  },
};
