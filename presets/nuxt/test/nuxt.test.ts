import assert from "node:assert/strict";
import { mediatapImages } from "@mediatap/nuxt";
import createProvider from "@mediatap/nuxt/provider";

const server = "https://img.example.com";

/** What Nuxt Image passes on: all of its modifiers, also those that are not set. */
function url(src: string, modifiers: object, widths?: readonly number[]): string {
  const unset = {
    width: undefined,
    height: undefined,
    format: undefined,
    quality: undefined,
    fit: undefined,
  };
  return createProvider().getImage(src, { server, widths, modifiers: { ...unset, ...modifiers } }).url;
}

describe("the provider of Nuxt Image", () => {
  const { NODE_ENV } = process.env;
  afterEach(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  });

  it("is used in production, and Nuxt's own one in development", () => {
    const provider = { provider: "@mediatap/nuxt/provider", options: { server, widths: [320] } };
    const used = { provider: "mediatap", providers: { mediatap: provider } };
    process.env.NODE_ENV = "production";
    assert.deepEqual(mediatapImages({ server, widths: [320] }), used);
    process.env.NODE_ENV = "development";
    assert.deepEqual(mediatapImages({ server, widths: [320] }), {});
    assert.deepEqual(mediatapImages({ server, widths: [320], enabled: true }), used);
    assert.throws(() => mediatapImages({ server: "img.example.com" }), {
      name: "TypeError",
      message: /Expected the URL of a server/,
    });
  });

  it("requests what the modifiers of an image describe", () => {
    for (const [modifiers, parameters] of [
      [{ width: 300 }, "tr:w-300,c-at_max/"],
      [{ width: 300, height: 200 }, "tr:w-300,ar-3-2/"],
      [
        { width: 300, height: 200, fit: "contain", background: "#FFF" },
        "tr:w-300,ar-3-2,cm-pad_resize,bg-fff/",
      ],
      [{ width: 300, height: 200, position: "right top" }, "tr:w-300,ar-3-2,fo-top_right/"],
      [{ width: 300, height: 200, position: "attention" }, "tr:w-300,ar-3-2,fo-auto/"],
      [{ width: 300, height: 200, position: "center" }, "tr:w-300,ar-3-2/"],
      [{ height: 200 }, "tr:h-200,c-at_max/"],
      [{ width: 10, height: 10, quality: 50, blur: 3 }, "tr:w-10,ar-1-1,bl-3,q-50/"],
      [{ quality: "80", format: "webp" }, "tr:f-webp,q-80/"],
      [{ transformation: "rt-90" }, "tr:rt-90/"],
      [{}, ""],
    ] as const) {
      assert.equal(url("/a.jpg", modifiers), `${server}/${parameters}a.jpg`);
    }
    assert.equal(url("/a b.jpg", { width: 300 }, [160, 320]), `${server}/tr:w-320,c-at_max/a%20b.jpg`);
    assert.equal(url("/a.jpg", { width: 999 }, [160, 320]), `${server}/tr:w-320,c-at_max/a.jpg`);
  });

  it("refuses what no URL can express", () => {
    for (const [modifiers, message] of [
      [{ rotate: 90 }, /Expected one of width, .* as a modifier but received 'rotate'/],
      [{ width: Number.NaN }, /Expected positive number for width but received 'NaN'/],
      [{ width: "Infinity" }, /Expected positive number for width but received 'Infinity'/],
      [{ quality: 0 }, /between 1 and 100 for quality but received '0'/],
      [{ quality: 101 }, /between 1 and 100 for quality but received '101'/],
      [{ width: 300, height: 200, position: "top top" }, /but received 'top top'/],
    ] as const) {
      assert.throws(() => url("/a.jpg", modifiers), { name: "TypeError", message });
    }
  });
});
