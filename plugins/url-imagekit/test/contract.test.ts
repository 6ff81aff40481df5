import { describeLanguage } from "@mediatap/test";
import { sign, urlImagekit } from "../src/index.ts";

describeLanguage("url-imagekit", {
  plugin: urlImagekit(),
  sign: (url, key) => `${url}${url.includes("?") ? "&" : "?"}ik-s=${sign(url.slice(1), key)}`,
  config: { namedTransformations: { thumb: "w-150,h-150" } },
  equal: [
    ["/tr:w-100,h-50/a.jpg", "/tr:h-50,w-100/a.jpg", "/a.jpg?tr=w-100,h-50"],
    ["/tr:n-thumb/a.jpg", "/tr:w-150,h-150/a.jpg"],
    ["/a.jpg", "/a.jpg?tr="],
    ["/folder/with%20space.jpg", "/folder/%77ith%20space.jpg"],
    ["/tr:w-100,q-80/a.jpg", "/tr:w-100/a.jpg"],
  ],
  different: [
    "/a.jpg",
    "/b.jpg",
    "/folder/a.jpg",
    "/a.jpg?v=1",
    "/a.jpg?v=2",
    "/a%2Bb.jpg",
    "/tr:w-100/a.jpg",
    "/tr:w-101/a.jpg",
    "/tr:h-100/a.jpg",
    "/tr:w-100,h-100/a.jpg",
    "/tr:w-100,h-100,c-at_max/a.jpg",
    "/tr:w-100,h-100,fo-left/a.jpg",
    "/tr:w-100:h-100/a.jpg",
    "/tr:w-0.5/a.jpg",
    "/tr:w-100,f-webp/a.jpg",
    "/tr:w-100,q-20/a.jpg",
    "/tr:rt-90/a.jpg",
    "/tr:orig-true/a.jpg",
  ],
  wrong: ["/tr:w-abc/a.jpg", "/tr:w--5/a.jpg", "/tr:nonsense-1/a.jpg"],
  named: ["/tr:n-thumb/a.jpg"],
  unresolvable: ["/../a.jpg", "/a%00.jpg", "/a%.jpg", "/tr:w-100"],
});
