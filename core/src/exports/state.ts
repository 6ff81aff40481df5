// What stores of state need beside the root: the contract of a store; and what calls need.

export { purgeSchema } from "../http/purge-calls.ts";
export type { AccountDraft, AccountState, StateKind, StateObject } from "../plugin/account.ts";
export type { Records, Revision, RevisionInfo, StateStore } from "../plugin/state-store.ts";
export { exportRevision } from "../state/exported.ts";
export { clientOf } from "../util/client-address.ts";
export { describeCall, jsonSchemaOf } from "../util/json-schema.ts";
