import { withRunner } from "../contracts/runner.ts";

type Body = () => unknown;

interface Suite {
  readonly title: string;
  readonly before: Body[];
  readonly after: Body[];
  readonly beforeEach: Body[];
  readonly afterEach: Body[];
  readonly parts: (Suite | { readonly title: string; readonly body: Body })[];
}

export interface Failure {
  readonly title: string;
  readonly error: unknown;
}

/**
 * Runs a suite by itself and resolves with the tests that failed: to show that a suite finds what it is meant to find.
 * `only`: runs the tests whose titles match. Throws what a hook around the tests throws.
 */
export async function failuresOf(define: () => void, only?: RegExp): Promise<Failure[]> {
  const root = suiteOf("");
  let current = root;
  withRunner(
    {
      describe(title, body) {
        const suite = suiteOf(title);
        const outer = current;
        outer.parts.push(suite);
        current = suite;
        body();
        current = outer;
      },
      it: (title, _options, body) => void current.parts.push({ title, body }),
      before: (body) => void current.before.push(body),
      after: (body) => void current.after.push(body),
      beforeEach: (body) => void current.beforeEach.push(body),
      afterEach: (body) => void current.afterEach.push(body),
    },
    define,
  );
  const failures: Failure[] = [];
  await run(root, [], only, failures);
  return failures;
}

const suiteOf = (title: string): Suite => ({
  title,
  before: [],
  after: [],
  beforeEach: [],
  afterEach: [],
  parts: [],
});

async function run(suite: Suite, around: readonly Suite[], only: RegExp | undefined, failures: Failure[]) {
  const suites = [...around, suite];
  for (const body of suite.before) await body();
  for (const part of suite.parts) {
    if ("parts" in part) await run(part, suites, only, failures);
    else if (only?.test(part.title) ?? true) {
      for (const body of suites.flatMap(({ beforeEach }) => beforeEach)) await body();
      try {
        await part.body();
      } catch (error) {
        failures.push({ title: part.title, error });
      }
      for (const body of suites.toReversed().flatMap(({ afterEach }) => afterEach)) await body();
    }
  }
  for (const body of suite.after) await body();
}
