export type { StorageSetup } from "./contracts/storage.ts";
export { describeStorage } from "./contracts/storage.ts";
export type { Answer, AskOptions, TestServer } from "./helpers/server.ts";
export { ask, startServer } from "./helpers/server.ts";
