import { type PageSuite, pageSuite } from "../../../test/suites/support/page-suite.ts";
import { type Console, KEY } from "./support.ts";

/** A page in Chromium for each test of a suite, and a console that the suite shares. */
export interface InBrowser extends PageSuite<Console> {
  /** Opens a page of the console, signed in. */
  open(path: string): Promise<void>;
}

/** Call in a suite, as `pageSuite`. */
export function inBrowser(start: () => Promise<Console>): InBrowser {
  const own = pageSuite(start);
  return Object.assign(own, {
    async open(path: string) {
      await own.page.goto(`${own.started.server.url}/-/console${path}`);
      await own.until(`document.querySelector("#key")`);
      await own.page.fill("#key", KEY);
      await own.page.press("#key", "Enter");
      await own.until(`document.querySelector(".account button")`);
    },
  });
}
