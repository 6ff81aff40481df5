import * as nodeTest from "node:test";

type Body = () => unknown;

export interface TestOptions {
  /** Milliseconds after which the test fails. Left out: the runner's own. */
  readonly timeout?: number;
}

/** What a suite needs of a test runner. */
export interface Runner {
  describe(title: string, body: () => void): void;
  it(title: string, options: TestOptions, body: Body): void;
  before(body: Body): void;
  after(body: Body): void;
  beforeEach(body: Body): void;
  afterEach(body: Body): void;
}

type Mocha = Pick<typeof globalThis, "describe" | "it" | "before" | "after" | "beforeEach" | "afterEach">;

/** Each file has functions of its own, also where one process runs many files: they are looked up at each call. */
function mochaRunner(mocha: Mocha): Runner {
  return {
    describe: (title, body) => void mocha.describe(title, body),
    before: (body) => mocha.before(async () => void (await body())),
    after: (body) => mocha.after(async () => void (await body())),
    beforeEach: (body) => mocha.beforeEach(async () => void (await body())),
    afterEach: (body) => mocha.afterEach(async () => void (await body())),
    it(title, { timeout }, body) {
      mocha.it(title, async function () {
        if (timeout !== undefined) this.timeout(timeout);
        await body();
      });
    },
  };
}

/** `node --test`, or a file of it that is run by itself. */
const nodeRunner: Runner = {
  describe: (title, body) => void nodeTest.describe(title, body),
  it: (title, options, body) => void nodeTest.it(title, options, async () => void (await body())),
  before: (body) => nodeTest.before(async () => void (await body())),
  after: (body) => nodeTest.after(async () => void (await body())),
  beforeEach: (body) => nodeTest.beforeEach(async () => void (await body())),
  afterEach: (body) => nodeTest.afterEach(async () => void (await body())),
};

let runner: Runner =
  typeof globalThis.describe === "function" && typeof globalThis.before === "function"
    ? mochaRunner(globalThis)
    : nodeRunner;

/** Has the suites that `body` defines run by another runner. */
export function withRunner(other: Runner, body: () => void): void {
  const own = runner;
  runner = other;
  try {
    body();
  } finally {
    runner = own;
  }
}

export const describe = (title: string, body: () => void): void => runner.describe(title, body);
export const before = (body: Body): void => runner.before(body);
export const after = (body: Body): void => runner.after(body);
export const beforeEach = (body: Body): void => runner.beforeEach(body);
export const afterEach = (body: Body): void => runner.afterEach(body);

export function it(title: string, body: Body): void;
export function it(title: string, options: TestOptions, body: Body): void;
export function it(title: string, ...[first, body]: [Body] | [TestOptions, Body]): void {
  if (body) runner.it(title, first as TestOptions, body);
  else runner.it(title, {}, first as Body);
}
