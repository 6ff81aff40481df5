import assert from "node:assert/strict";
import {
  createImageProps,
  createLoader,
  type MediatapImages,
  type NextConfig,
  withMediatap,
} from "@mediatap/next";

const server = "https://img.example.com";

describe("the loader of next/image", () => {
  it("requests a width, and a quality if there is one", () => {
    const loader = createLoader({ server });
    assert.equal(loader({ src: "/dogs.jpg", width: 640 }), `${server}/tr:w-640,c-at_max/dogs.jpg`);
    assert.equal(
      loader({ src: "/my dog.jpg?v=2", width: 640, quality: 60 }),
      `${server}/tr:w-640,c-at_max,q-60/my%20dog.jpg?v=2`,
    );
  });

  it("writes the URLs of any language", () => {
    const loader = createLoader({ server, url: (src, { width }) => `${server}/_ipx/w_${width}${src}` });
    assert.equal(loader({ src: "/dogs.jpg", width: 640, quality: 60 }), `${server}/_ipx/w_640/dogs.jpg`);
  });
});

describe("withMediatap", () => {
  const { NODE_ENV } = process.env;
  afterEach(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  });

  it("sets the server in production, and leaves the development server to Next", () => {
    const config = { reactStrictMode: true, images: { qualities: [75] } };
    process.env.NODE_ENV = "production";
    assert.deepEqual(withMediatap(config, { server: `${server}/` }), {
      reactStrictMode: true,
      images: { qualities: [75], path: `${server}/_next/image` },
    });
    process.env.NODE_ENV = "development";
    assert.deepEqual(withMediatap(config, { server }), config);
    assert.deepEqual(withMediatap({}, { server, enabled: true }), {
      images: { path: `${server}/_next/image` },
    });
  });

  it("divides the widths as Next expects them", () => {
    const sizesFor = (widths: readonly number[]) => withMediatap<NextConfig>({}, { server, widths }).images;
    assert.deepEqual(sizesFor([1280, 640, 320, 640]), { deviceSizes: [640, 1280], imageSizes: [320] });
    assert.deepEqual(sizesFor([320, 160]), { deviceSizes: [320], imageSizes: [160] });
    assert.deepEqual(sizesFor([800]), { deviceSizes: [800], imageSizes: [] });
  });

  it("takes a configuration that depends on the phase", async () => {
    const config = withMediatap(async (phase: string) => ({ env: { phase } }) as NextConfig, {
      server,
      enabled: true,
    });
    assert.deepEqual(await config("phase-export", undefined as never), {
      env: { phase: "phase-export" },
      images: { path: `${server}/_next/image` },
    });
  });

  it("refuses what would not do what it says", () => {
    const wrong: readonly (readonly [config: NextConfig, options: MediatapImages, message: RegExp])[] = [
      [{}, { server: "/images" }, /Expected the URL of a server/],
      [{}, { server: "ftp://example.com" }, /Expected the URL of a server/],
      [{}, { server: `${server}?a=b` }, /Expected the URL of a server/],
      [{}, { server, widths: [] }, /Expected positive integers for widths but received none/],
      [{}, { server, widths: [640, 0] }, /Expected positive integers for widths but received 0/],
      [{ images: { loader: "custom" } }, { server }, /images\.loader: Expected no value beside withMediatap/],
      [{ images: { unoptimized: true } }, { server }, /images\.unoptimized: Expected no value/],
    ];
    for (const [config, options, message] of wrong) {
      assert.throws(() => withMediatap(config, options), { name: "TypeError", message });
    }
  });
});

describe("the props of an image", () => {
  const url = "data:image/png;base64,iVBORw0KGgo";
  const props = createImageProps({
    manifest: {
      "photos/my dog.jpg": { width: 1200, height: 800, thumbHash: { url } },
      "plain.jpg": { width: 1200, height: 800 },
    },
  });

  it("are its size and its placeholder, by a manifest", async () => {
    assert.deepEqual(await props("/photos/my%20dog.jpg?v=2"), { width: 1200, height: 800, placeholder: url });
  });

  it("fail without a description", async () => {
    await assert.rejects(props("/dogs.jpg"), /^Error: Expected 'dogs\.jpg' in the manifest/);
    await assert.rejects(props("/constructor"), /^Error: Expected 'constructor' in the manifest/);
    await assert.rejects(props("/plain.jpg"), /^Error: Expected width,height,thumbHash in the description/);
    assert.throws(() => createImageProps({ server: "img.example.com" }), /Expected the URL of a server/);
  });
});
