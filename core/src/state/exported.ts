import { z } from "zod";
import { parseOptions } from "../config/options.ts";
import { MediaError } from "../model/errors.ts";
import type { Revision } from "../plugin/state-store.ts";
import { stateOf } from "./managed.ts";

const schema = z.strictObject({
  mediatap: z.literal("state"),
  revision: z.int().positive(),
  time: z.string(),
  author: z.string(),
  comment: z.string(),
  state: z.unknown(),
});

/** A revision as a file. Its secrets stay encrypted: only who has the key can import it. */
export function exportRevision({ number, time, author, comment, content }: Revision): string {
  const file = {
    mediatap: "state",
    revision: number,
    time: new Date(time).toISOString(),
    author,
    comment,
    state: JSON.parse(content) as unknown,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The number and the content of the revision in such a file. Throws `ECONFIG` naming `where` and the field. */
export function importRevision(text: string, where: string): Pick<Revision, "number" | "content"> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new MediaError("ECONFIG", `${where}: Expected JSON, as "mediatap state export" writes it`, {
      cause,
    });
  }
  const { revision: number, state } = parseOptions(schema, file, where);
  const content = JSON.stringify(state);
  stateOf({ number, content });
  return { number, content };
}
