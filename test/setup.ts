import { enableCompileCache } from "node:module";
import { join } from "node:path";

// The tests start the command and other programs of this repository some hundred times: compiled TypeScript is kept for the next
// start, which then takes half the time.
const cache = join(import.meta.dirname, "../node_modules/.cache/compiled");
enableCompileCache(cache);
process.env.NODE_COMPILE_CACHE ??= cache;
