import { setImmediate as nextTurn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";
import {
  type AccountContent,
  type AccountRevision,
  type AccountState,
  type Difference,
  type Examination,
  type Fields,
  type Objects,
  STATE_KINDS,
  type StateObject,
} from "../plugin/account.ts";
import type { Revision, StateStore } from "../plugin/state-store.ts";
import { isSecret } from "../util/redact.ts";
import { accountIn, contentOf, differences, fileObjects, type ManagedState, stateOf } from "./managed.ts";
import { createSecrets } from "./secrets.ts";

/** The managed state that a runtime was made from, and how to change it. */
export interface RuntimeState {
  readonly store: StateStore;
  /** The configuration below it. */
  readonly file: LoadedConfig;
  /** `undefined`: there is none yet. */
  readonly revision: Revision | undefined;
  readonly content: ManagedState;
  /** Left out: nothing serves this runtime. */
  readonly change?: ChangeState;
  readonly examine?: ExamineState;
}

/**
 * Changes the managed state, here and everywhere: `edit` changes a copy in place, and may be called again for a newer one. Resolves with
 * what new requests meet from now on.
 */
export type ChangeState = (change: {
  readonly author: string;
  readonly comment: string;
  readonly edit: (state: ManagedState) => void;
}) => Promise<RuntimeState>;

/**
 * Makes a change without storing it or serving it, and asks origins of the server that it would be, by the names that the configuration
 * gives them there. `edit` returns them; `path`: of the file that the first one is asked for, too. Throws as a change does.
 */
export type ExamineState = (
  edit: (state: ManagedState) => { readonly origins: readonly string[]; readonly path?: string | undefined },
) => Promise<Pick<Examination, "findings" | "file">>;

/** Revisions that are read for a list at most: those of other accounts are passed over. */
const MAX_SCANNED = 500;

/** `author`: who changes it, for people. */
export function accountState(state: RuntimeState, tenant: string, author: string): AccountState {
  const { store, file, change, examine } = state;
  let { content } = state;

  async function changed(comment: string, edit: (account: AccountContent) => void): Promise<number> {
    if (!change) throw new MediaError("EUNSUPPORTED", "Nothing can be changed here");
    const changed = await change({
      author,
      comment,
      edit(state) {
        const account = accountIn(state, tenant);
        edit(account);
        state.accounts[tenant] = account;
      },
    });
    content = changed.content;
    return changed.revision?.number ?? 0;
  }

  return {
    objects(kind) {
      const { [kind]: own, notes } = accountIn(content, tenant);
      const fromFile = Object.entries(withoutSecrets(fileObjects(file, tenant))[kind]);
      return new Map<string, StateObject>([
        ...fromFile.map(([name, fields]) => [name, { fields, fromFile: true }] as const),
        ...Object.entries(own).map(
          ([name, fields]) => [name, { fields, fromFile: false, note: notes[kind][name] }] as const,
        ),
      ]);
    },
    async change(comment, edit) {
      let result: { readonly value: ReturnType<typeof edit> } | undefined;
      await changed(comment, (account) => {
        const draft = { ...account, file: withoutSecrets(fileObjects(file, tenant)) };
        result = { value: edit(draft) };
        const { file: _, ...content } = draft;
        Object.assign(account, content);
      });
      return (result as unknown as { readonly value: ReturnType<typeof edit> }).value;
    },
    async examine(edit) {
      if (!examine) throw new MediaError("EUNSUPPORTED", "Nothing can be changed here");
      let changes: readonly Difference[] = [];
      const at = tenant === "" ? "" : `${tenant}/`;
      const { findings, file: found } = await examine((next) => {
        const old = structuredClone(next);
        const account = accountIn(next, tenant);
        const draft = { ...account, file: withoutSecrets(fileObjects(file, tenant)) };
        const { origin, path } = edit(draft) ?? {};
        if (
          origin !== undefined &&
          ![draft, draft.file].some(({ origins }) => Object.hasOwn(origins, origin))
        )
          throw new MediaError("ENOENT", `There is no origin ${origin}`);
        const { file: _, ...content } = draft;
        next.accounts[tenant] = content;
        // Encrypted, so that no secret is shown.
        changes = differences(old, stateOf({ number: 0, content: contentOf(next, createSecrets()) }), tenant);
        const before = accountIn(old, tenant).origins;
        const changed = Object.keys(content.origins).filter(
          (name) => !isDeepStrictEqual(content.origins[name], before[name]),
        );
        const origins = new Set([...(origin === undefined ? [] : [origin]), ...changed]);
        return { origins: [...origins].map((name) => at + name), path };
      });
      const own = Object.entries(findings).map(([name, finding]) => [name.slice(at.length), finding]);
      return { changes, findings: Object.fromEntries(own), ...(found && { file: found }) };
    },
    async revisions({ before, limit }) {
      const infos = await store.list({ before, limit: MAX_SCANNED });
      const found: AccountRevision[] = [];
      let own: ManagedState | undefined;
      for (const info of infos) {
        // Reading one may block the process: other requests go on in between.
        await nextTurn();
        own ??= stateOf(await store.read(info.number));
        const below = stateOf(await store.read(info.number - 1));
        const isChanged = !isDeepStrictEqual(accountIn(own, tenant), accountIn(below, tenant));
        if (isChanged) found.push({ ...info, changes: differences(below, own, tenant) });
        if (found.length === limit) break;
        own = below;
      }
      return found;
    },
    async rollback(number, comment) {
      const revision = number === 0 ? undefined : await store.read(number);
      if (number !== 0 && !revision) throw new MediaError("ENOENT", `There is no revision ${number}`);
      const old = accountIn(stateOf(revision), tenant);
      return await changed(comment, (account) => void Object.assign(account, structuredClone(old)));
    },
  };
}

/** Objects of the configuration file as plugins see them. */
function withoutSecrets(objects: Objects): Objects {
  const open = (fields: Fields): Fields =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => !isSecret(name)));
  const kinds = STATE_KINDS.map((kind) => [
    kind,
    Object.fromEntries(Object.entries(objects[kind]).map(([name, fields]) => [name, open(fields)])),
  ]);
  return Object.fromEntries(kinds) as Objects;
}
