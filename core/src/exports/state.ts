// What stores of state need beside the root: the contract of a store.

export type { Records, Revision, RevisionInfo, StateStore } from "../state/store.ts";
