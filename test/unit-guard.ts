// A unit test that starts a server or a program fails: the rule in unit.ts lacks something that it imports.
import childProcess, { ChildProcess } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { Server } from "node:net";

function refuse(what: string) {
  return (): never => {
    throw new Error(`A unit test starts ${what}: add what it imports for that to the rules in test/unit.ts`);
  };
}

Server.prototype.listen = refuse("a server");
Object.assign(ChildProcess.prototype, { spawn: refuse("a program") });
for (const name of ["spawnSync", "execSync", "execFileSync"] as const)
  childProcess[name] = refuse("a program");
syncBuiltinESMExports();
