import assert from "node:assert/strict";
import { parseChain } from "../src/index.ts";
import { codeThrown, exchangeFor, jobOf, taps } from "./helpers.ts";

describe("url-imagekit: what a URL names", () => {
  const examples: [url: string, path: string, chain: string][] = [
    ["a/b.jpg", "a/b.jpg", ""],
    ["tr:w-400,h-300:rt-90/a/b.jpg", "a/b.jpg", "w-400,h-300:rt-90"],
    ["a/b.jpg?v=3&tr=w-400", "a/b.jpg", "w-400"],
    ["a/b.jpg?tr=w-400%2Ch-300&v=3", "a/b.jpg", "w-400,h-300"],
    ["ik-seo/a/b/red-shoes.jpg?tr=w-200", "a/b.jpg", "w-200"],
    ["tr:w-200/ik-seo/a/b/DSC1234/eiffel-tower.jpg", "a/b/DSC1234.jpg", "w-200"],
    ["img/tr:w-200/girl.jpg", "img/girl.jpg", "w-200"],
    ["tr:w-200/a.jpg?tr=rt-90", "a.jpg", "w-200:rt-90"],
    ["a.jpg?tr=", "a.jpg", ""],
    ["tr:w-100,ar-4:3/a.jpg", "a.jpg", "w-100,ar-4:3"],
    ["a%20b/%E0%A4%B9.jpg", "a b/ह.jpg", ""],
    ["%252e%252e%252f.jpg", "%2e%2e%2f.jpg", ""],
    ["a+b.jpg", "a+b.jpg", ""],
    ["tr:di-x%2Cy.jpg,w-5/a.jpg", "a.jpg", "w-5"],
    ["clip/ik-video.mp4", "clip", "orig-true"],
    ["ik-thumbnail.jpg", "ik-thumbnail.jpg", ""],
    ["a.gif/ik-thumbnail.jpg?tr=w-9", "a.gif", "pg-1,w-9"],
    ["a.pdf/ik-thumbnail.jpg?tr=w-9:pg-3", "a.pdf", "pg-3,w-9"],
  ];
  for (const [url, path, chain] of examples) {
    it(`finds ${path} in ${url}`, () => {
      const job = jobOf(url);
      assert.equal(job.problem, undefined);
      assert.deepEqual(job.asset, { tenant: "", endpoint: "default", kind: "path", path });
      assert.deepEqual(job.transformation, chain ? parseChain(chain) : { steps: [], output: {} });
      assert.equal(job.language, "url-imagekit");
    });
  }

  const proxied: [url: string, address: string][] = [
    ["tr:w-300/https://example.com/x.jpg", "https://example.com/x.jpg"],
    ["https:/example.com/x.jpg?tr=w-300", "https://example.com/x.jpg"],
    ["http://example.com:8080/a/../x%20y.jpg?tr=w-300", "http://example.com:8080/x%20y.jpg"],
    ["https%3A%2F%2Fexample.com%2Fx.jpg%3Fid%3D3?tr=w-300", "https://example.com/x.jpg?id=3"],
    ["https%3a%2f%2Fexample.com%2Fx.jpg?tr=w-300", "https://example.com/x.jpg"],
    ["https://example.com/photo?id=3&tr=w-300&ik-attachment=true", "https://example.com/photo?id=3"],
    ["tr:w-300/https://other.example/tr:w-1/x.jpg", "https://other.example/tr:w-1/x.jpg"],
  ];
  for (const [url, address] of proxied) {
    it(`finds the address ${address} in ${url}`, () => {
      const job = jobOf(url);
      assert.equal(job.problem, undefined);
      assert.equal(job.asset.kind, "url");
      assert.equal(job.asset.path, address);
      assert.equal(job.transformation.steps.length, 1);
    });
  }

  const refused: [url: string, code: string][] = [
    ["../a.jpg", "EINVAL"],
    ["a/./b.jpg", "EINVAL"],
    ["a//b.jpg", "EINVAL"],
    ["a/", "EINVAL"],
    ["a/%2e%2e/b.jpg", "EINVAL"],
    ["..%2fb.jpg", "EINVAL"],
    ["..%5cb.jpg", "EINVAL"],
    ["a%2Fb.jpg", "EINVAL"],
    ["a\\b.jpg", "EINVAL"],
    ["a%00.jpg", "EINVAL"],
    ["a%0d%0ab.jpg", "EINVAL"],
    ["%ff.jpg", "EINVAL"],
    ["%c0%ae%c0%ae.jpg", "EINVAL"],
    ["%ed%a0%80.jpg", "EINVAL"],
    ["\ud800.jpg", "EINVAL"],
    ["%zz.jpg", "EINVAL"],
    ["%4", "EINVAL"],
    [".env", "ENOENT"],
    ["tr:w-100", "ENOENT"],
    ["a/.git/config", "ENOENT"],
    [`${"x".repeat(256)}.jpg`, "ENOENT"],
    [`${"x/".repeat(600)}a.jpg`, "ENOENT"],
    ["ik-seo/a.jpg", "EINVAL"],
    ["ik-seo/../b/x.jpg", "EINVAL"],
    ["tr:w-1/../a.jpg", "EINVAL"],
    ["https://", "EINVAL"],
    ["https://user:pass@example.com/a.jpg", "EINVAL"],
    ["https%3A%2F%2Fexample.com/a.jpg", "EINVAL"],
  ];
  for (const [url, code] of refused) {
    it(`refuses ${JSON.stringify(url.slice(0, 40))} with ${code}`, () => {
      assert.equal(
        codeThrown(() => jobOf(url)),
        code,
      );
    });
  }

  it("passes on a URL without asset", () => {
    for (const url of ["", "?tr=w-100"]) {
      const exchange = exchangeFor(url);
      assert.equal(taps.resolve(exchange, exchange.endpoint), undefined);
    }
  });

  it("reads bytes that were sent unencoded as UTF-8", () => {
    const raw = Buffer.from("grün.jpg").toString("latin1");
    assert.equal(jobOf(raw).asset.path, "grün.jpg");
    assert.equal(
      codeThrown(() => jobOf("gr\u00fcn.jpg")),
      "EINVAL",
    );
  });

  it("closes a chain with slashes in a layer only after the layer", () => {
    const job = jobOf("tr:l-image,i-/a/b.png,l-end/x.jpg");
    assert.equal(job.asset.path, "x.jpg");
    assert.equal(job.problem, undefined);
    assert.deepEqual(job.transformation.steps, parseChain("l-image,i-a@@b.png,l-end").steps);
  });

  it("leaves a malformed chain to be answered after the access rules", () => {
    for (const url of [
      "tr:/x.jpg",
      "tr:w-abc/x.jpg",
      "x.jpg?tr=w-abc",
      "x.jpg?tr=w-1&tr=h-1",
      "x.jpg?tr=%ff",
    ]) {
      const job = jobOf(url);
      assert.equal(job.problem?.code, "EINVAL", url);
      assert.equal(job.asset.path, "x.jpg");
    }
  });

  const suffixes = [
    "a.mp4/ik-genchapter.vtt",
    "a.mp4/ik-gensubtitle.vtt",
    "a.mp4/ik-gensubtitle.transcript",
    "ik-genimg-prompt-a%20cat/cat.jpg",
  ];
  for (const url of suffixes) {
    it(`names what ${url} would need`, () => {
      assert.equal(jobOf(url).problem?.code, "EUNSUPPORTED");
    });
  }

  // URLs as the SDKs write them.
  const fromSdks: [url: string, chain: string][] = [
    ["a.jpg?tr=w-400,h-300", "w-400,h-300"],
    ["tr:w-400,h-300:rt-90/a.jpg", "w-400,h-300:rt-90"],
    ["a.jpg?tr=h-300%2Cw-400", "h-300,w-400"],
    ["a.jpg?t1=v1&tr=w-300", "w-300"],
    ["a.jpg?tr=h-300:w-640,c-at_max", "h-300:w-640,c-at_max"],
    ["a.jpg?tr=rt-5:q-20,bl-6&ik-sdk-version=react-1.1.1", "rt-5:q-20,bl-6"],
    ["a.jpg?tr=orig-true", "orig-true"],
    ["a.jpg?tr=b-5-A94D34,e-contrast-true", "b-5_A94D34,e-contrast"],
    ["a.jpg?tr=l-text,i-Minimal%20Text,l-end", "l-text,i-Minimal Text,l-end"],
    ["a.jpg?tr=l-image,i-customer@@logo.png,l-end", "l-image,ie-Y3VzdG9tZXIvbG9nby5wbmc,l-end"],
    ["a.jpg?tr=l-text,ie-TGV0J3MgdXNlIChjKSwgZXRj,l-end", "l-text,ie-TGV0J3MgdXNlIChjKSwgZXRj,l-end"],
    ["tr:l-text,ie-SGVsbG8%3D,l-end/a.jpg", "l-text,i-Hello,l-end"],
    ["a.jpg?tr=l-image,i-ik_canvas,bg-FF0000,l-end", "l-image,i-ik_canvas,bg-red,l-end"],
    ["a.jpg?tr=l-text,i-a,color-FF0000,l-end", "l-text,i-a,co-FF0000,l-end"],
    // imagekit 6: the example of its README, a form's spaces, and an endpoint that ends in a slash.
    ["a.jpg?tr=f-jpg%2Cpr-true%2Ce-sharpen%2Ce-contrast-1", "f-jpg,pr-true,e-sharpen,e-contrast"],
    ["a.jpg?tr=l-text%2Ci-Hello+World%2Cl-end", "l-text,i-Hello World,l-end"],
    ["a.jpg?tr=l-text%2Cie-4KS54KS%252F4KSo4KWN4KSm4KWA%2Cl-end", "l-text,i-हिन्दी,l-end"],
    ["/a.jpg?tr=h-300%2Cw-400", "h-300,w-400"],
    ["/tr:w-5/a.jpg", "w-5"],
  ];
  for (const [url, chain] of fromSdks) {
    it(`understands ${url}`, () => {
      const job = jobOf(url);
      assert.equal(job.asset.path, "a.jpg");
      assert.deepEqual(job.transformation, parseChain(chain));
    });
  }

  it("tells images, videos and files apart by name", () => {
    const kinds = [
      ...["a.JPG", "a.mp4", "a.css", "a", "b/ik-video.mp4", "https://example.com/v.webm?x=a.jpg"],
      ...["a.tga", "a.qoi", "a.ppm", "a.nef", "a.ts"],
    ];
    assert.deepEqual(
      kinds.map((url) => jobOf(url).media),
      [
        ...["image", "video", "file", "image", "video", "video"],
        ...["image", "image", "image", "image", "file"],
      ],
    );
  });
});

describe("url-imagekit: the query", () => {
  it("keeps what the language does not reserve, decoded and in order", () => {
    const url = "a.jpg?v=2&tr=w-1&ik-sdk-version=js-1&sdk-version=x&b=%26&ik-s=1&ik-t=2&a&utm=1&%zz=1&tr2=x";
    assert.deepEqual(jobOf(url, { endpoint: { ignoreQuery: ["utm"] } }).query, [
      ["v", "2"],
      ["b", "&"],
      ["a", ""],
      ["%zz", "1"],
      ["tr2", "x"],
    ]);
  });

  it("offers a download with a harmless name", () => {
    const attachment = (query: string) => jobOf(`a.jpg?${query}`).delivery.attachment;
    assert.equal(attachment("ik-attachment=true"), true);
    assert.equal(attachment("ik-attachment=false"), undefined);
    assert.equal(attachment("ik-attachment-filename=x"), undefined);
    assert.equal(attachment("ik-attachment=true&ik-attachment-filename=my%20cat"), "my cat");
    assert.equal(attachment("ik-attachment=true&ik-attachment-filename=%0d%0aX:1"), "X1");
    assert.equal(attachment("ik-attachment=true&ik-attachment-filename=..%2F..%2Fetc%22"), "etc");
    assert.equal(attachment("ik-attachment=true&ik-attachment-filename=%2e%2e"), true);
  });

  it("counts layers over all parts of a URL", () => {
    const labels = (count: number) => Array(count).fill("l-text,i-Hi,l-end").join(",");
    const problem = (url: string) => jobOf(url).problem?.code;
    assert.equal(problem(`tr:${labels(5)}/a.jpg?tr=${labels(5)}`), undefined);
    assert.equal(problem(`tr:${labels(6)}/a.jpg?tr=${labels(5)}`), "ELIMIT");
    assert.equal(problem(`tr:${labels(6)}/tr:${labels(5)}/a.jpg`), "ELIMIT");
  });

  it("looks for the default image in the default endpoint", () => {
    const fallback = (chain: string) => jobOf(`a.jpg?tr=${chain}`, { endpoint: { name: "shop" } });
    for (const chain of ["di-b@@c.jpg", "w-10:di-@@b@@c.jpg", "di-b/c.jpg"]) {
      assert.deepEqual(fallback(chain).delivery.fallback, {
        tenant: "",
        endpoint: "default",
        kind: "path",
        path: "b/c.jpg",
      });
    }
    assert.deepEqual(fallback("w-10,di-https:@@@@example.com@@c.jpg,h-5").delivery.fallback, {
      tenant: "",
      endpoint: "default",
      kind: "url",
      path: "https://example.com/c.jpg",
    });
    assert.equal(fallback("di-https:@@@@me@example.com@@c.jpg").problem?.code, "EINVAL");
    for (const chain of ["di-..@@..@@secret.jpg", "di-b@@@@c.jpg", "di-"]) {
      assert.equal(fallback(chain).problem?.code, "EINVAL", chain);
    }
    assert.equal(fallback("di-@@.env").problem?.code, "ENOENT");
  });
});

describe("url-imagekit: client hints", () => {
  const width = { "sec-ch-width": "212", "sec-ch-dpr": "2" };

  it("rounds the width of w-auto up to the next hundred and tells the ratio", () => {
    const job = jobOf("a.jpg?tr=w-auto", { headers: width });
    assert.deepEqual(job.transformation, parseChain("w-300"));
    assert.equal(job.delivery.headers?.["content-dpr"], "2.83");
    assert.ok(job.delivery.vary?.includes("Sec-CH-Width"));
  });

  it("multiplies by dpr-auto, but not after w-auto took effect", () => {
    const both = { width: "600", dpr: "2" };
    assert.deepEqual(
      jobOf("a.jpg?tr=w-auto,dpr-auto", { headers: both }).transformation,
      parseChain("w-600"),
    );
    const job = jobOf("a.jpg?tr=w-100,dpr-auto", { headers: { dpr: "2" } });
    assert.deepEqual(job.transformation, parseChain("w-100,dpr-2"));
    assert.deepEqual(job.delivery.vary, ["Sec-CH-DPR", "DPR"]);
  });

  it("ignores both where the client says nothing sensible", () => {
    for (const headers of [{}, { width: "abc", dpr: "1e1" }, { "sec-ch-width": "0", "sec-ch-dpr": "-1" }]) {
      assert.deepEqual(
        jobOf("a.jpg?tr=w-auto,h-50,dpr-auto", { headers }).transformation,
        parseChain("h-50"),
      );
    }
  });

  it("reads no header unless it is needed", () => {
    const exchange = exchangeFor("a.jpg?tr=w-100,dpr-2:h-5,fo-auto");
    const job = taps.resolve(exchange, exchange.endpoint);
    assert.deepEqual(exchange.read, []);
    assert.equal(job?.delivery.vary, undefined);
  });
});

describe("url-imagekit: negotiation", () => {
  it("hands on what the client accepts, less AVIF where the language excludes it", () => {
    const accept = (chain: string) => jobOf(`a.jpg?tr=${chain}`, { accept: "avif" }).accept;
    assert.equal(accept("w-100"), "avif");
    assert.equal(accept("w-100:cp-true"), "webp");
    assert.equal(accept("e-usm-2-2-0.8-0.024"), "webp");
    assert.equal(accept("cp-false"), "avif");
    assert.equal(jobOf("a.jpg?tr=cp-true").accept, "basic");
  });
});

describe("url-imagekit: errors", () => {
  it("are named in a header that is safe to send", () => {
    const reply = { status: 404, headers: {} as Record<string, string> };
    const error = { code: "ENOENT", message: "Not\r\nfound" };
    taps.respond(reply, { error } as never);
    assert.equal(reply.headers["ik-error"], "ENOENT - Not??found");
    const fine = { status: 200, headers: {} };
    taps.respond(fine, {} as never);
    assert.deepEqual(fine.headers, {});
  });
});
