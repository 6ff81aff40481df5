import assert from "node:assert/strict";
import fc from "fast-check";
import { agentOf } from "../src/agent.ts";

const WINDOWS =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)";

describe("the family of a client", () => {
  for (const [header, name, device] of [
    [WINDOWS, "Chrome 126", "Windows PC"],
    [`${WINDOWS} Edg/126.0.2592.68`, "Edge 126", "Windows PC"],
    [`${WINDOWS} OPR/112.0.0.0`, "Opera 112", "Windows PC"],
    [`${MAC} Version/17.5 Safari/605.1.15`, "Safari 17", "Mac"],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox 127", "Linux PC"],
    [`${ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36`, "Chrome 126", "Android phone"],
    [`${ANDROID} Chrome/126.0.0.0 Safari/537.36`, "Chrome 126", "Android tablet"],
    [
      `${ANDROID} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`,
      "Samsung Internet 25",
      "Android phone",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/126.0 Mobile/15E148 Safari/604.1",
      "Chrome 126",
      "iPhone",
    ],
    [
      "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
      "Safari",
      "iPad",
    ],
    ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "robot"],
    [
      "Mozilla/5.0 AppleWebKit/537.36 (compatible; bingbot/2.0) Chrome/116.0 Safari/537.36",
      "bingbot",
      "robot",
    ],
    ["curl/8.5.0", "curl 8", "other"],
    ["", "other", "other"],
  ] as const) {
    it(`is ${name} on ${device} for ${header.slice(0, 200) || "an empty header"}`, () => {
      assert.deepEqual(agentOf(header), { name, device });
    });
  }

  it("is short and one of few kinds of devices, whatever the header", () => {
    const parts = fc.constantFrom(
      "Mozilla/5.0 ",
      "bot",
      "-",
      "Chrome/",
      "9",
      "AppleWebKit/",
      "Mobile ",
      "Android ",
      "MSIE ",
      "\u{fffd}",
    );
    const headers = fc.oneof(
      fc.string(),
      fc.array(parts, { maxLength: 300 }).map((list) => list.join("")),
    );
    fc.assert(
      fc.property(headers, (header) => {
        const { name, device } = agentOf(header);
        assert(name.length > 0 && name.length <= 60, name);
        assert(device.length <= 20);
      }),
    );
  });
});
