import assert from "node:assert/strict";
import { stateSqlite } from "@mediatap/state-sqlite";
import { makeFolder, type TestFolder } from "@mediatap/test";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import { describeInBrowser } from "../../../test/suites/support/chromium.ts";
import { inBrowser } from "./browser.ts";
import { startConsole } from "./support.ts";

describeInBrowser("page-console: keys and audit log in Chromium", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder();
  });
  after(() => folder?.close());

  const browser = inBrowser(() =>
    startConsole({}, { plugins: [stateSqlite({ path: `${folder.path}/state.sqlite` })] }),
  );
  const { until, run, text, open, assertFits } = browser;
  const secret = () => text(".secret code");
  const asks = async (key: string) => {
    const authorization = `Basic ${Buffer.from(`${key}:`).toString("base64")}`;
    return (await browser.started.server.ask("/-/api/v1/keys", { headers: { authorization } })).status;
  };

  it("creates, rotates and revokes a key, and shows that in the audit log", async () => {
    const { page } = browser;
    await open("/keys");
    await until(`document.querySelector("#log-title")`);
    await assertAccessible(page);
    assert.match(await text(".object"), /^Private key configure [0-9a-f]{16} of the configuration file$/);
    await page.press("#key-name", "Enter");
    await until(`document.querySelector("#key-name-error").textContent === "Enter a name."`);

    await page.click(".choices label:first-child");
    await page.fill("#key-name", "Ada's laptop");
    await page.press("#key-name", "Enter");
    await until(`document.querySelector(".secret")`);
    const first = await secret();
    assert.equal(await asks(first), 200);
    await until(`document.querySelectorAll(".object").length === 2`);
    assert.match(await text(".object:nth-child(2)"), /^Ada's laptop read .* created .* Rotate Revoke$/);
    await until(`document.querySelector(".entry")?.innerText.includes("create the key Ada's laptop")`);
    await assertAccessible(page);

    await page.click(".object:nth-child(2) .object-actions button:first-child");
    await page.click(".object:nth-child(2) .object-actions button:first-child");
    await until(`document.querySelector(".secret code").textContent !== ${JSON.stringify(first)}`);
    assert.deepEqual([await asks(first), await asks(await secret())], [401, 200]);

    const last = await secret();
    await page.click(".object:nth-child(2) .object-actions button:last-child");
    await page.click(".object:nth-child(2) .object-actions button:first-child");
    await until(`document.querySelectorAll(".object").length === 1 && !document.querySelector(".secret")`);
    assert.equal(await asks(last), 401);

    await page.goto(`${browser.started.server.url}/-/console/keys`);
    await until(`document.querySelector(".entry .pill.warn")`);
    await page.click(".log-heading .segments button:last-child");
    await until(
      `[...document.querySelectorAll(".entry")].every((entry) => /a wrong key/.test(entry.innerText))`,
    );
    assert.match(await text(".entry"), /^refused a wrong key unknown key (?:::ffff:)?127\.0\.0\.1 /);
    assert.ok(!(await run<string>("document.body.innerText")).includes(last));
  });

  it("fits into a small window", async () => {
    const { page } = browser;
    await page.setViewportSize({ width: 320, height: 700 });
    await open("/keys");
    await until(`document.querySelector(".entry")`);
    await page.fill("#key-name", "A key with a long name for a small window");
    await page.press("#key-name", "Enter");
    await until(`document.querySelector(".secret") && document.querySelectorAll(".object").length === 2`);
    await assertFits();
  });
});
