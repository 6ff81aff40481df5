import type { Load } from "../load.ts";
import type { Format, Peer, Running, Work } from "../peers/peer.ts";

/** What is measured of one repetition. */
export interface Sample extends Load {
  /** Milliseconds of CPU a request. */
  readonly cpu: number;
  /** MiB. */
  readonly peak: number;
  /** A further figure of this scenario, such as a share. */
  readonly share?: number;
}

/** One server's turn in a scenario. */
export interface Turn {
  readonly running: Running;
  /** Seconds for which a hot URL is asked. */
  readonly seconds: number;
  /** URLs of photographs that this server has not seen yet; `part`: at most so many. */
  fresh(wanted: Format | Work, part?: number): string[];
  /** Stops the server and starts it anew, cold. */
  restart(): Promise<void>;
  /** Does the work, and measures what it costs the server until it is quiet again. */
  measure(work: () => Promise<Load>): Promise<Sample>;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Memory is looked at once more after a rest. */
  readonly rests?: boolean;
  /** What `share` stands for. */
  readonly share?: string;
  takes(peer: Peer): boolean;
  /** `undefined`: this server cannot do it after all. */
  run(turn: Turn): Promise<Sample | undefined>;
}
