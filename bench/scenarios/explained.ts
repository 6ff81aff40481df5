/** Fields of a configuration that lets a server be asked what it would do. */
export const explainable = { server: { explain: true } };

/** What the server thinks a URL costs, in milliseconds of one core. */
export async function costOf(origin: string, path: string): Promise<number> {
  const response = await fetch(`${origin}/-/explain?url=${encodeURIComponent(path)}`);
  const { plan } = (await response.json()) as { plan: { cost: number } | string };
  if (typeof plan === "string") throw new Error(`${path} has no plan: ${plan}`);
  return plan.cost;
}
