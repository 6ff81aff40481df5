import { randomBytes } from "node:crypto";

const TIME_CHARACTERS = 10;

/** The id of a purge rule: no other machine makes the same one, and later ones sort later. */
export function newRuleId(now: number): string {
  return `${now.toString(36).padStart(TIME_CHARACTERS, "0")}${randomBytes(6).toString("hex")}`;
}

/** When a rule was made, in milliseconds since 1970. */
export function timeOfRule(id: string): number {
  return Number.parseInt(id.slice(0, TIME_CHARACTERS), 36);
}
