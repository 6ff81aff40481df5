// What plugins need that count requests or show the numbers: the form of a report.

export type { ReadUsage, Usage, UsageList, UsageNumbers, UsageOfName, UsageQuery } from "../model/usage.ts";
