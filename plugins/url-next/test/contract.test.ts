import { describeLanguage } from "@mediatap/test";
import { urlNext } from "../src/index.ts";

const of = (url: string, rest = "w=640&q=75", path = "_next/image") =>
  `/${path}?url=${encodeURIComponent(url)}&${rest}`;

describeLanguage("url-next", {
  plugin: urlNext({ qualities: [75, 80, 90], localPatterns: [{}], dangerouslyAllowSVG: true }),
  equal: [
    [
      of("/a.jpg"),
      of("/a.jpg", "q=75&w=640"),
      of("/a.jpg", "w=640&q=75&dpl=dpl_1"),
      of("/%61.jpg"),
      of("/a.jpg", undefined, "_vercel/image"),
      "/_next/image?q=75&w=640&url=/a.jpg",
    ],
    [of("/b c.jpg"), of("/b%20c.jpg"), "/_next/image?url=%2Fb+c.jpg&w=640&q=75"],
  ],
  different: [
    of("/a.jpg"),
    of("/b.jpg"),
    of("/a.jpg?v=1"),
    of("/a.jpg?v=2"),
    of("/a.jpg", "w=384&q=75"),
    of("/a.jpg", "w=640&q=90"),
    // The quality that the endpoint would use anyway.
    of("/c.jpg", "w=640&q=80"),
    of("/d.svg"),
  ],
  wrong: [
    "/_next/image?url=/a.jpg",
    of("/a.jpg", "q=75"),
    of("/a.jpg", "w=640"),
    of("/a.jpg", "w=640&w=750&q=75"),
    of("/a.jpg", "w=641&q=75"),
    of("/a.jpg", "w=640&q=76"),
    of("/a.jpg", "w=x&q=75"),
    of("/a.jpg", "w=640&q=0"),
    of("/a.jpg", "w=640&q=%ff"),
  ],
  unresolvable: [
    "/_next/image",
    "/_next/image?w=640&q=75",
    of("//example.com/a.jpg"),
    of("https://example.com/a.jpg"),
    of("a.jpg"),
    of("/_next/image?url=%2Fa.jpg"),
    of("/../a.jpg"),
    of("/%2e%2e/a.jpg"),
    of("/\\example.com/a.jpg"),
    of(`/${"a".repeat(3100)}`),
    "/a.jpg",
  ],
});
