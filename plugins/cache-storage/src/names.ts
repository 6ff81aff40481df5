import { hash, randomBytes } from "node:crypto";
import type { Ban } from "@mediatap/core";

/** A ban without its number in a process. */
export type Told = Pick<Ban, "kind" | "value" | "tenant">;

/** What the names of an entry's files begin with. Made of a hash: nothing of a URL gets into the name of a file. */
export function stemOf(prefix: string, key: string): string {
  const sum = hash("sha256", key, "hex");
  return `${prefix}${sum.slice(0, 2)}/${sum}`;
}

export const recordPath = (stem: string) => `${stem}.json`;
export const bodyPath = (stem: string, version: string) => `${stem}.${version}`;

/** Where bans lie: files without anything in them, whose names say it all, so that one list tells of all. */
export const bansPath = (prefix: string) => `${prefix}bans-1/`;

/** Characters of one name in a folder, and of all that tells of a ban. */
const CHUNK = 180;
const LONGEST = 540;

/** A stamp that no other ban has; later ones sort later. */
export function newStamp(): string {
  return `${Date.now().toString(36).padStart(10, "0")}${randomBytes(6).toString("hex")}`;
}

/** When a ban was made, milliseconds since 1970. */
export const timeOf = (stamp: string) => Number.parseInt(stamp.slice(0, 10), 36);

/** The file of a ban; one whose value is too long for a name bans more than it. */
export function banPath(prefix: string, stamp: string, told: Told): string {
  const text = encoded(told);
  if (text.length <= LONGEST)
    return `${bansPath(prefix)}${stamp}/${text.match(new RegExp(`.{1,${CHUNK}}`, "g"))?.join("/")}`;
  const { kind, value, tenant } = told;
  const wider: Told =
    kind === "tag" ? { kind: "all", value: "" } : { kind: "prefix", value: value.slice(0, value.length / 2) };
  return banPath(prefix, stamp, { ...wider, ...(tenant !== undefined && { tenant }) });
}

/** The ban that a file's name tells of; `undefined`: it is none. */
export function parseBanPath(
  prefix: string,
  path: string,
): { readonly stamp: string; readonly told: Told } | undefined {
  const place = bansPath(prefix);
  if (!path.startsWith(place)) return undefined;
  const [stamp = "", ...chunks] = path.slice(place.length).split("/");
  if (!/^[0-9a-z]{10}[0-9a-f]{12}$/.test(stamp)) return undefined;
  try {
    const [kind, value, tenant] = JSON.parse(
      Buffer.from(chunks.join(""), "base64url").toString(),
    ) as unknown[];
    if (!["source", "prefix", "tag", "all"].includes(String(kind)) || typeof value !== "string")
      return undefined;
    return {
      stamp,
      told: { kind: kind as Told["kind"], value, ...(typeof tenant === "string" && { tenant }) },
    };
  } catch {
    return undefined;
  }
}

function encoded({ kind, value, tenant }: Told): string {
  return Buffer.from(JSON.stringify([kind, value, tenant])).toString("base64url");
}
