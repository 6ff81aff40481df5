import { decimal, MAX_DIMENSION } from "./numbers.ts";

/** What the client says about its screen, for `w-auto` and `dpr-auto`. */
export interface Hints {
  /** Width of the picture in device pixels, rounded up to the next 100; `undefined` if the client does not say. */
  width(): number | undefined;
  /** Device pixels a CSS pixel; `undefined` if the client does not say. */
  dpr(): number | undefined;
}

export const NO_HINTS: Hints = { width: () => undefined, dpr: () => undefined };

/** Hints of a request, with a note of what was asked for. */
export interface RequestHints extends Hints {
  /** Whether the client asks for less data. */
  saveData(): boolean;
  /** Names of the headers that took part. */
  readonly vary: readonly string[];
  /** `Accept-CH` with what was asked for; `Content-DPR`, once a width was chosen. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Hints from request headers, read only when asked for: reading one keeps the job from being memoised. Each has an
 * older name without `Sec-CH-`.
 */
export function requestHints(header: (name: string) => string | undefined): RequestHints {
  const vary: string[] = [];
  const wanted = new Set<string>();
  const headers: Record<string, string> = {};
  const note = (name: string) => {
    if (!vary.includes(name)) vary.push(name);
  };
  const ask = (name: string, max: number): number | undefined => {
    wanted.add(`Sec-CH-${name}`);
    headers["accept-ch"] = [...wanted].join(", ");
    for (const full of [`Sec-CH-${name}`, name]) {
      note(full);
      const value = decimal(header(full.toLowerCase()) ?? "");
      if (value !== undefined && value > 0 && value <= max) return value;
    }
    return undefined;
  };
  const dpr = () => ask("DPR", 5);
  return {
    vary,
    headers,
    dpr,
    saveData() {
      note("Save-Data");
      return /^\s*on\s*(?:$|[;,])/i.test(header("save-data") ?? "");
    },
    width() {
      const requested = ask("Width", MAX_DIMENSION);
      if (requested === undefined) return undefined;
      const chosen = Math.ceil(requested / 100) * 100;
      headers["content-dpr"] = String(Number((chosen / (requested / (dpr() ?? 1))).toFixed(2)));
      return chosen;
    },
  };
}
