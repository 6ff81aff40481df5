import { describeLanguage } from "@mediatap/test";
import { signed, urlExample } from "../src/index.ts";

describeLanguage("url-example", {
  plugin: urlExample(),
  sign: signed,
  equal: [["/p/width:300;format:webp/a.jpg", "/p/format:webp;width:300/%61.jpg"]],
  different: [
    "/p/original/a.jpg",
    "/p/width:300/a.jpg",
    "/p/h:300/a.jpg",
    "/p/width:300;height:200;blur:5/a.jpg",
  ],
  wrong: ["/p/width:0/a.jpg", "/p/depth:3/a.jpg", "/p/sepia:40/a.jpg"],
  unresolvable: ["/p/width:300/../a.jpg", "/p/width:300/"],
});
