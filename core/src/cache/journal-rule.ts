import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { JournalRule } from "../plugin/cache-backend.ts";

const TIME_CHARACTERS = 10;

/** The id of a purge rule: no other machine makes the same one, and later ones sort later. */
export function newRuleId(now: number): string {
  return `${now.toString(36).padStart(TIME_CHARACTERS, "0")}${randomBytes(6).toString("hex")}`;
}

/** When a rule was made, in milliseconds since 1970. */
export function timeOfRule(id: string): number {
  return Number.parseInt(id.slice(0, TIME_CHARACTERS), 36);
}

/** A rule from another process. */
export const ruleSchema = z.object({
  id: z.string(),
  kind: z.enum(["key", "source", "original", "prefix", "tag", "all", "url"]),
  value: z.string(),
  tenant: z.string().exactOptional(),
});

/** A rule as journals store it that store text. */
export interface RuleText extends JournalRule {
  /** Ids of the rules before it that it makes superfluous. */
  readonly replaces?: readonly string[];
}

const textSchema = ruleSchema.extend({ replaces: z.array(z.string()).exactOptional() });

export function encodeRule(rule: JournalRule, replaces: readonly string[]): string {
  return JSON.stringify(replaces.length > 0 ? { ...rule, replaces } : rule);
}

/** `undefined`: damaged. */
export function decodeRule(text: unknown): RuleText | undefined {
  try {
    return textSchema.parse(JSON.parse(String(text)));
  } catch {
    return undefined;
  }
}

/** Adds a rule to those that are before it in a journal. */
export function addRule(rules: Map<string, JournalRule>, { replaces = [], ...rule }: RuleText): void {
  for (const id of replaces) rules.delete(id);
  rules.set(rule.id, rule);
}
