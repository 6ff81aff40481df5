import assert from "node:assert/strict";
import { mediatapImageService } from "@mediatap/astro";
import service from "@mediatap/astro/service";

const server = "https://img.example.com";
const photo = { src: "/_astro/photo.B3.jpg", width: 1200, height: 900 };

const configOf = (widths?: readonly number[]) => ({ service: { config: { server, widths } } });
const any = configOf();
const rungs = configOf([160, 320, 640, 1280]);

describe("the image service of Astro", () => {
  const { NODE_ENV } = process.env;
  afterEach(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  });

  it("is the server in production, and Astro's own one in development", () => {
    process.env.NODE_ENV = "production";
    const used = { entrypoint: "@mediatap/astro/service", config: { server, widths: [320] } };
    assert.deepEqual(mediatapImageService({ server, widths: [320] }), used);
    process.env.NODE_ENV = "development";
    assert.equal(mediatapImageService({ server }).entrypoint, "astro/assets/services/sharp");
    assert.deepEqual(mediatapImageService({ server, widths: [320], enabled: true }), used);
  });

  it("refuses options that are wrong when the configuration is read", () => {
    for (const [options, message] of [
      [{ server: "img.example.com" }, /Expected the URL of a server/],
      [{ server: "" }, /Expected the URL of a server/],
      [{ server, widths: [] }, /Expected at least one width/],
      [{ server, widths: [0] }, /Expected positive integer for widths but received 0/],
    ] as const) {
      assert.throws(() => mediatapImageService(options), { name: "TypeError", message });
    }
  });

  it("requests what the attributes of an image describe", () => {
    for (const [options, url] of [
      [{ src: photo, width: 300 }, "tr:w-300,c-at_max/_astro/photo.B3.jpg"],
      [{ src: photo, width: 301, height: 226 }, "tr:w-301,c-at_max/_astro/photo.B3.jpg"],
      [{ src: photo, width: 300, height: 200 }, "tr:w-300,ar-3-2/_astro/photo.B3.jpg"],
      [{ src: "/a.jpg", width: 300, height: 200, fit: "contain" }, "tr:w-300,ar-3-2,c-at_max/a.jpg"],
      [{ src: "/a.jpg", width: 300, height: 200, fit: "fill" }, "tr:w-300,ar-3-2,c-force/a.jpg"],
      [{ src: "/a.jpg", height: 200 }, "tr:h-200,c-at_max/a.jpg"],
      [{ src: "/a.jpg", width: 300, quality: "high", format: "avif" }, "tr:w-300,c-at_max,f-avif,q-80/a.jpg"],
      [{ src: "/a.jpg", width: 300, transformation: "rt-90" }, "tr:w-300,c-at_max,rt-90/a.jpg"],
      [{ src: "https://x.example/a.jpg", width: 300 }, "tr:w-300,c-at_max/https://x.example/a.jpg"],
    ] as const) {
      assert.equal(service.getURL(options, any), `${server}/${url}`);
    }
    assert.equal(service.getURL({ src: "data:image/gif;base64,R0" }, any), "data:image/gif;base64,R0");
  });

  it("offers the widths of the endpoint, each one once, and none above the image's own", () => {
    const srcSet = (options: Parameters<typeof service.getSrcSet>[0], config = rungs) =>
      service
        .getSrcSet(options, config)
        .map(({ transform, descriptor }) => `${service.getURL(transform, config)} ${descriptor}`);
    const widths = [100, 150, 300, 1100, 2000];
    const src = { ...photo, width: 600, height: 450 };
    assert.deepEqual(srcSet({ src, width: 300, height: 225, widths }), [
      `${server}/tr:w-160,c-at_max/_astro/photo.B3.jpg 160w`,
      `${server}/tr:w-320,c-at_max/_astro/photo.B3.jpg 320w`,
      `${server}/tr:w-640,c-at_max/_astro/photo.B3.jpg 600w`,
    ]);
    assert.deepEqual(srcSet({ src: "/a.jpg", width: 300, height: 200, densities: [2, "1x", 2.1] }), [
      `${server}/tr:w-320,ar-3-2/a.jpg 1x`,
      `${server}/tr:w-640,ar-3-2/a.jpg 2x`,
    ]);
    assert.deepEqual(srcSet({ src: "/a.jpg", width: 300, height: 200, densities: [1.5] }, any), [
      `${server}/tr:w-450,ar-3-2/a.jpg 1.5x`,
    ]);
    assert.deepEqual(srcSet({ src, width: 300, height: 225 }), []);
  });

  it("passes on the attributes that are not its own", () => {
    const options = { src: photo, width: 300, height: 225, alt: "A", class: "b", quality: 50, widths: [300] };
    assert.deepEqual(service.getHTMLAttributes(options), {
      alt: "A",
      class: "b",
      width: 300,
      height: 225,
      loading: "lazy",
      decoding: "async",
    });
  });

  it("fails a build for an image that no URL can express", () => {
    for (const [options, message] of [
      [
        { src: "photo.jpg", width: 3, height: 2 },
        /an imported image, a path or a URL for src but received 'photo.jpg'/,
      ],
      [{ src: "/photo.jpg", width: 300 }, /Expected width and height for '\/photo.jpg'/],
    ] as const) {
      assert.throws(() => service.validateOptions(options), { name: "TypeError", message });
    }
    for (const [options, message] of [
      [{ width: -1 }, /Expected positive number for width but received '-1'/],
      [{ width: 300, quality: "best" }, /between 1 and 100 for quality but received 'best'/],
      [{ width: 300, format: "tiff" }, /Expected one of auto, .* for format but received 'tiff'/],
      [{ width: 300, height: 200, fit: "stretch" }, /Expected one of cover, .* but received 'stretch'/],
      [{ width: 300, height: 200, position: "20% 30%" }, /such as 'left top' .* but received '20% 30%'/],
      [{ width: 300, background: "rgb(0 0 0)" }, /for background but received 'rgb\(0 0 0\)'/],
    ] as const) {
      assert.throws(() => service.getURL({ src: "/a.jpg", ...options }, any), { name: "TypeError", message });
    }
  });
});
