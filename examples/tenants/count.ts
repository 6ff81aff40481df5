import type { Plugin } from "@mediatap/core";

/** Counts requests by tenant and status, as Prometheus reads them: every report names its exchange's tenant. */
export function countRequests(): Plugin {
  const counts = new Map<string, number>();
  return {
    name: "count-requests",
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks, route }) {
      hooks.report.tap("count-requests", (report) => {
        if (report.kind !== "exchange") return;
        const { endpoint, reply } = report.exchange;
        const labels = `tenant="${endpoint.tenant}",endpoint="${endpoint.name}",status="${reply?.status ?? 0}"`;
        counts.set(labels, (counts.get(labels) ?? 0) + 1);
      });
      route("GET", "/-/counts", () => ({
        headers: { "content-type": "text/plain" },
        body: [...counts].map(([labels, count]) => `requests_total{${labels}} ${count}\n`).join(""),
      }));
    },
  };
}
