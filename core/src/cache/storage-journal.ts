import type { JournalRule, PurgeJournal } from "../plugin/cache-backend.ts";
import { ruleSchema } from "./journal-rule.ts";
import type { WritableStorage } from "./storage-files.ts";

/** Characters of one segment of a path, and of all that describe a rule. */
const MAX_SEGMENT_CHARACTERS = 180;
const MAX_CHARACTERS = 540;

/** Purge rules as empty files, whose names contain everything: one list shows all of them. */
export function createStorageJournal(storage: WritableStorage, folder: string): PurgeJournal {
  const paths = new Map<string, string>();
  return {
    async add(rule, replaced) {
      await storage.write(pathOf(rule), new Uint8Array(), { size: 0 });
      for (const id of replaced) {
        const path = paths.get(id);
        if (path !== undefined) await storage.remove(path).catch(() => {});
      }
    },
    async read() {
      const rules: JournalRule[] = [];
      for await (const path of storage.list(folder)) {
        const rule = parsePath(path);
        if (!rule) continue;
        rules.push(rule);
        paths.set(rule.id, path);
      }
      return { rules };
    },
  };

  /** A rule whose value is too long for a name becomes one that matches more. */
  function pathOf(rule: JournalRule): string {
    const { id, kind, value, tenant } = rule;
    const text = Buffer.from(JSON.stringify([kind, value, tenant])).toString("base64url");
    if (text.length <= MAX_CHARACTERS) {
      const path = `${folder}${id}/${text.match(new RegExp(`.{1,${MAX_SEGMENT_CHARACTERS}}`, "g"))?.join("/")}`;
      paths.set(id, path);
      return path;
    }
    const isPath = kind === "source" || kind === "prefix";
    return pathOf({
      id,
      ...(isPath ? { kind: "prefix", value: value.slice(0, value.length / 2) } : { kind: "all", value: "" }),
      ...(tenant !== undefined && { tenant }),
    });
  }

  function parsePath(path: string): JournalRule | undefined {
    if (!path.startsWith(folder)) return undefined;
    const [id = "", ...segments] = path.slice(folder.length).split("/");
    if (!/^[0-9a-z]{10}[0-9a-f]{12}$/.test(id)) return undefined;
    try {
      const text = Buffer.from(segments.join(""), "base64url").toString();
      const [kind, value, tenant] = JSON.parse(text) as unknown[];
      return ruleSchema.parse({ id, kind, value, ...(tenant !== null && { tenant }) });
    } catch {
      return undefined;
    }
  }
}
