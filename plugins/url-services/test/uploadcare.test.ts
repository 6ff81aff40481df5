import { describeLanguage } from "@mediatap/test";
import { SIGNATURE } from "../src/edgeauth.ts";
import { urlUploadcare } from "../src/uploadcare.ts";

const UUID = "85b5644f-e692-4855-9db0-8c5a83096e25";

const url = (operations = "", name = "") => `/${UUID}/${operations === "" ? "" : `-/${operations}/`}${name}`;

function sign(url: string, key: string): string {
  const [path = "", query = ""] = url.slice(1).split("?");
  const plain = SIGNATURE.withExpiry?.({ path, query }, 99_999_999_999) ?? { path, query };
  const [signature = ""] = [SIGNATURE.sign(plain, key)].flat();
  const signed = SIGNATURE.put({ url: plain, signature });
  return `/${signed.path}?${signed.query}`;
}

describeLanguage("url-uploadcare", {
  plugin: urlUploadcare({ versions: ["v"] }),
  sign,
  equal: [
    [
      url(),
      `/${UUID}`,
      url("", "photo.jpg"),
      url("autorotate/yes"),
      url("stretch/off"),
      url("brightness/0", "a b.jpg".replace(" ", "%20")),
    ],
    [
      url("resize/200x"),
      url("resize/200x", "photo.jpg"),
      url("resize/200x").slice(0, -1),
      url("stretch/on/-/resize/200x"),
    ],
    [url("scale_crop/200x100"), url("scale_crop/200x100/0p,0p"), url("scale_crop/200x100/0,0")],
    [url("crop/200x100/center"), url("crop/200x100/50p,50p"), url("crop/200x100/50p")],
    [url("preview"), url("preview/2048x2048")],
    [url("blur"), url("blur/10")],
    ["/a/b.jpg", "/a/b.jpg/"],
  ],
  different: [
    url(),
    "/a/b.jpg",
    "/a/b.jpg/-/resize/20x/",
    `${url("resize/200x")}?v=2`,
    url("preview"),
    url("preview/200x100"),
    url("resize/200x"),
    url("resize/x200"),
    url("resize/200x100"),
    url("stretch/off/-/resize/200x100"),
    url("scale_crop/200x100"),
    url("scale_crop/200x100/center"),
    url("scale_crop/200x100/smart"),
    url("scale_crop/200x100/smart_objects"),
    url("crop/200x100"),
    url("crop/200x100/center"),
    url("crop/200x100/10,20"),
    url("crop/50px30p/center"),
    url("crop/16:9/center"),
    url("setfill/ff0000/-/crop/200x100"),
    url("resize/200x/-/crop/50x50/center"),
    url("crop/50x50/center/-/resize/20x"),
    url("stretch/off/-/resize/200x/-/crop/9x9/-/stretch/on/-/resize/300x"),
    url("rotate/90"),
    url("flip"),
    url("mirror/-/rotate/90"),
    url("grayscale"),
    url("blur/20"),
    url("sharp/10"),
    url("border_radius/20"),
    url("border_radius/50p"),
    url("format/preserve"),
    url("format/webp/-/quality/lighter"),
    url("format/jpeg/-/progressive/yes/-/quality/smart"),
    url("strip_meta/none"),
  ],
  wrong: [
    url("resize/abc"),
    url("resize/200"),
    url("resize/x"),
    url("preview/200x"),
    url("crop/200x"),
    url("crop/face/200x200"),
    url("crop/200x100/30p,40p"),
    url("crop/200x100/middle"),
    url("scale_crop/200x100/smart/center"),
    url("stretch/fill"),
    url("stretch/fill/-/resize/200x"),
    url("format/tiff"),
    url("format/mp4"),
    url("quality/80"),
    url("rotate/45"),
    url("autorotate/no"),
    url("brightness/10"),
    url("border_radius/10p"),
    url("smart_resize/200x200"),
    url("overlay/uuid"),
    url("enhance/50"),
    url("flip/1"),
    url("setfill/nope"),
    `${url("resize/200x")}?width=20`,
    `${url("resize/200x")}?resize=900x`,
    `${url()}?blur=300`,
  ],
  unresolvable: ["/../a.jpg", "/b//a.jpg/-/resize/20x/"],
});
