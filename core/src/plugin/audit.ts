/** A change, or a refused key. */
export interface AuditEntry {
  /** Grows with time. */
  readonly id: string;
  /** ISO 8601. */
  readonly time: string;
  readonly kind: "change" | "refusal";
  /** Left out: nobody has such a key. */
  readonly key?: { readonly id: string; readonly name: string } | undefined;
  readonly address: string;
  readonly what: string;
  /** Refusals before it that were not written, because there were too many. */
  readonly skipped?: number | undefined;
}

export interface AuditListOptions {
  /** Only entries before the one with this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}
