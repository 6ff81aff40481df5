import assert from "node:assert/strict";
import { expectedBy, TITLES, urlBuilder } from "../src/builder.ts";
import { type Key, PARAMETERS } from "../src/parameters.ts";

describe("url-imagekit: what tools know of its parameters", () => {
  it("has a title for each parameter that is supported", () => {
    const titled = Object.values(TITLES).flatMap((titles) => Object.keys(titles));
    assert.deepEqual(new Set(titled).size, titled.length);
    const supported = (Object.keys(PARAMETERS) as Key[]).filter((key) => expectedBy(key) !== undefined);
    // Refused for every value that asks for something.
    const missing = supported.filter((key) => !titled.includes(key) && key !== "c2pa");
    assert.deepEqual(missing, []);
    assert.deepEqual(
      titled.filter((name) => name !== "n" && expectedBy(name as Key) === undefined),
      [],
    );
  });

  it("describes values in the words of the messages about wrong ones", () => {
    const of = (name: string) => urlBuilder.parameters.find((one) => one.name === name);
    assert.equal(of("q")?.expected, "integer from 1 to 100");
    assert.deepEqual(of("vc")?.choices, ["h264", "vp9", "av1", "none"]);
    assert.deepEqual(of("lo")?.choices, ["true", "false"]);
    assert.equal(of("e-grayscale")?.expected, "");
  });

  it("writes URLs, and code for its client library", () => {
    const values = [
      ["w", "300"],
      ["e-grayscale", ""],
      ["di", "a/b c.png"],
    ] as const;
    assert.equal(
      urlBuilder.build("/a b/c#.png", values),
      "tr:w-300,e-grayscale,di-a%2Fb%20c.png/a%20b/c%23.png",
    );
    assert.equal(urlBuilder.build("a.png", []), "a.png");
    const [sdk] = urlBuilder.code?.("https://img.example.com", "a.png", values.slice(0, 2)) ?? [];
    assert.match(
      sdk?.code ?? "",
      /urlEndpoint: "https:\/\/img\.example\.com",\n {2}src: "\/a\.png",\n {2}transformation: \[\{ raw: "w-300,e-grayscale" \}\]/,
    );
  });
});
