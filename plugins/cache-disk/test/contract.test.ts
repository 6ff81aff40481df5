import { describeCache, makeFolder, type TestFolder } from "@mediatap/test";
import { cacheDisk } from "../src/index.ts";

describeCache("cache-disk", async () => {
  const folders: TestFolder[] = [await makeFolder({})];
  const [folder] = folders as [TestFolder];
  let count = 0;
  return {
    plugin: cacheDisk({ path: `${folder.path}/large` }),
    small: (maxBytes) => cacheDisk({ path: `${folder.path}/small${count++}`, maxBytes }),
    close: () => folder.close(),
  };
});
