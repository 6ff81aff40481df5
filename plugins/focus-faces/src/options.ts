import { z } from "zod";

export const focusFacesSchema = z.strictObject({
  confidence: z.number().min(0.1).max(0.99).default(0.6),
  timeout: z.number().int().min(100).default(5_000),
  entries: z.number().int().min(1).default(10_000),
});

export interface FocusFacesOptions {
  /** How sure the model must be of a face, 0.1–0.99; less finds more, and more that is none. @default 0.6 */
  readonly confidence?: number;
  /** Milliseconds that a search may take; `limits.imageWork` bounds it, too. @default 5000 */
  readonly timeout?: number;
  /** Sources whose faces are remembered. @default 10000 */
  readonly entries?: number;
}
