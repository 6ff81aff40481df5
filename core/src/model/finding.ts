/** Whether an origin can be used; for operators. */
export interface OriginFinding {
  readonly state: "good" | "bad";
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** What an origin has under a path. */
export interface FileFinding {
  readonly state: "found" | "missing" | "failed";
  /** Of a failure. */
  readonly code?: string;
  /** Of a failure, with its causes; for operators. */
  readonly text?: string;
  /** Media type, bytes and milliseconds since 1970, as far as the origin reports them. */
  readonly type?: string;
  readonly size?: number;
  readonly lastModified?: number;
  /** Until the origin had responded. */
  readonly milliseconds: number;
}
