import type { FileMetadata } from "./source.ts";

/** Whether an origin can be used; for operators. */
export interface OriginFinding {
  readonly state: "good" | "bad";
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** What an origin has under a path. */
export interface FileFinding extends Pick<FileMetadata, "type" | "size" | "lastModified"> {
  readonly state: "found" | "missing" | "failed";
  /** Of a failure. */
  readonly code?: string;
  /** Of a failure, with its causes; for operators. */
  readonly text?: string;
  /** Until the origin had responded. */
  readonly milliseconds: number;
}
