/** Stands for a value that is well written but asks for something that the Transformation cannot say. */
export interface Missing {
  /** What cannot be done, in a client's words: `drop shadows`. */
  readonly missing: string;
}

export function lacking(missing: string): Missing {
  return { missing };
}

export function isMissing(value: unknown): value is Missing {
  return typeof value === "object" && value !== null && "missing" in value;
}
