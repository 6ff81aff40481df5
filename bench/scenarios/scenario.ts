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
  /** Further figures by name, each a column. */
  readonly more?: Readonly<Record<string, number>>;
}

/** One server's turn in a scenario. */
export interface Turn {
  readonly running: Running;
  /** Folder that the servers serve. */
  readonly media: string;
  /** Seconds for which a hot URL is asked. */
  readonly seconds: number;
  /** Seconds after which memory is looked at once more. */
  readonly rest: number;
  /** URLs of photographs that this server has not seen yet; `part`: at most so many. */
  fresh(wanted: Format | Work, part?: number): string[];
  /** Paths of the photographs under names that no server has seen yet; of `file` instead, `count` times. */
  links(file?: string, count?: number): string[];
  /** Has the server take another configuration while it runs. */
  configure(changes: Readonly<Record<string, unknown>>): Promise<void>;
  /** Stops the server and starts it again, cold; resolves with the time (`performance.now()`) of the start. */
  restart(): Promise<number>;
  /** Does the work, and measures what it costs the server until it is quiet again. */
  measure(work: () => Promise<Load>): Promise<Sample>;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Servers that are started for this scenario alone; left out: those that all other scenarios compare. */
  readonly servers?: readonly Peer[];
  /** Bare sharp beside them. */
  readonly withBare?: boolean;
  /** Further servers beside them, with the memory settings of the process `like`. */
  readonly beside?: (like: number) => readonly Peer[];
  /** Its servers are measured as they start, without a warm-up. */
  readonly fresh?: boolean;
  /** Repetitions would tell no more. */
  readonly once?: boolean;
  /** Memory is looked at once more after a rest. */
  readonly rests?: boolean;
  /** What `share` stands for. */
  readonly share?: string;
  takes(peer: Peer): boolean;
  /** `undefined`: this server cannot do it after all. */
  run(turn: Turn): Promise<Sample | undefined>;
}
