import { randomUUID } from "node:crypto";
import { type Endpoint, type PluginApi, reasonOf } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import { z } from "zod";

const NAME = "manage-imagekit";
const TOPIC = `${NAME}:jobs`;

/** Jobs whose status is known. */
const MAX_JOBS = 10_000;

export const jobSchema = z.object({
  jobId: z.string(),
  tenant: z.string(),
  type: z.enum(["COPY_FOLDER", "MOVE_FOLDER", "RENAME_FOLDER"]),
  /** `Failed` is not of the service. */
  status: z.enum(["Pending", "Completed", "Failed"]),
  purgeRequestId: z.string().optional(),
  /** Why it failed. */
  message: z.string().optional(),
});

/** A job as all processes know it. */
export type BulkJob = z.output<typeof jobSchema>;

/**
 * Work that continues after the response to its call. The process that was called does it; all others know its status. Jobs of a
 * configuration end with it.
 */
export function createBulkJobs({
  hooks,
  shared,
  cluster: { bus },
  logger,
}: Pick<PluginApi, "hooks" | "shared" | "cluster" | "logger">) {
  const known = shared(TOPIC, () => {
    const jobs = new LRUCache<string, BulkJob>({ max: MAX_JOBS });
    const close = bus.subscribe(TOPIC, (message) => {
      const { data } = jobSchema.safeParse(message);
      if (data) jobs.set(data.jobId, data);
    });
    return { jobs, close };
  });
  const stop = new AbortController();
  const running = new Set<Promise<void>>();
  hooks.stop.tapPromise(NAME, async () => {
    stop.abort(new Error("The server ends, or has another configuration"));
    await Promise.all(running);
  });

  function set(job: BulkJob): void {
    known.jobs.set(job.jobId, job);
    void bus.publish(TOPIC, job);
  }

  return {
    find: (id: string): BulkJob | undefined => known.jobs.get(id),
    /** Begins work and returns its id. It resolves with the id of a purge, if there is one. */
    begin(
      type: BulkJob["type"],
      { tenant }: Endpoint,
      work: (signal: AbortSignal) => Promise<string | undefined>,
    ): string {
      const job: BulkJob = { jobId: randomUUID().replaceAll("-", ""), tenant, type, status: "Pending" };
      set(job);
      const run = async () => {
        try {
          const purgeRequestId = await work(stop.signal);
          set({ ...job, status: "Completed", ...(purgeRequestId !== undefined && { purgeRequestId }) });
        } catch (err) {
          logger.warn({ err, job: job.jobId, type }, "a bulk job failed");
          set({ ...job, status: "Failed", message: reasonOf(err) });
        }
      };
      const done = run().finally(() => running.delete(done));
      running.add(done);
      return job.jobId;
    },
  };
}
