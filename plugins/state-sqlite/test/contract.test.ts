import { describeStateStore, makeFolder } from "@mediatap/test";
import { stateSqlite } from "../src/index.ts";

describeStateStore("state-sqlite", async () => {
  const { path, close } = await makeFolder();
  return { plugin: stateSqlite({ path: `${path}/data/state.sqlite` }), close };
});
