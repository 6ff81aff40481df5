export type { StorageSetup } from "./contracts/storage.ts";
export { describeStorage } from "./contracts/storage.ts";
