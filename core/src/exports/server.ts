// What programs need that start servers: configuration, server, command line.

export { runCli } from "../cli/cli.ts";
export { findConfig } from "../config/find.ts";
export { loadConfig } from "../config/load.ts";
export type { MediatapServer, ServerOptions } from "../server/server.ts";
export { createServer } from "../server/server.ts";
