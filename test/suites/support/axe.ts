import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { inPage, type Page } from "./chromium.ts";

const services = createRequire(new URL("../../services/package.json", import.meta.url));

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

/** Asserts that axe-core finds no violation of WCAG 2.2 AA or of its best practices on a page, in light and in dark. */
export async function assertAccessible(page: Page): Promise<void> {
  const { source } = services("axe-core") as { readonly source: string };
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const violations = await page.evaluate<Violation[]>(
      inPage(`(async () => {
        if (!window.axe) { ${source} }
        return (await window.axe.run(document, { resultTypes: ["violations"] })).violations;
      })()`),
    );
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(
        ({ target, failureSummary }) => `${colorScheme}: ${id}: ${target.join(" ")}: ${failureSummary}`,
      ),
    );
    assert.deepEqual(found, []);
  }
}
