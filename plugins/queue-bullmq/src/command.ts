import { MediaError, type PluginApi } from "@mediatap/core";

/** Adds `mediatap work`; `run` works until its signal. */
export function addWork(
  { command }: Pick<PluginApi, "command">,
  defaultConcurrency: number,
  run: (concurrency: number, signal: AbortSignal) => Promise<void>,
): void {
  command((program) => {
    program
      .command("work")
      .description("carry out background work of servers with this configuration, until SIGTERM or SIGINT")
      .option("--concurrency <number>", "jobs at once", String(defaultConcurrency))
      .action(async ({ concurrency }: { readonly concurrency: string }) => {
        const count = Number(concurrency);
        if (!/^\d{1,3}$/.test(concurrency) || count < 1) {
          throw new MediaError("ECONFIG", "--concurrency: Expected a number from 1 to 999");
        }
        const stop = new AbortController();
        const end = () => (stop.signal.aborted ? process.exit(1) : stop.abort());
        process.on("SIGTERM", end).on("SIGINT", end);
        await run(count, stop.signal).finally(() => process.off("SIGTERM", end).off("SIGINT", end));
      });
  });
}
