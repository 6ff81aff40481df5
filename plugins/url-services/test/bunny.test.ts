import { describeLanguage } from "@mediatap/test";
import { SIGNATURE, urlBunny } from "../src/bunny.ts";

function sign(url: string, key: string): string {
  const [path = "", query = ""] = url.slice(1).split("?");
  const plain = { path, query: `${query === "" ? "" : `${query}&`}expires=99999999999` };
  const [signature = ""] = [SIGNATURE.sign(plain, key)].flat();
  const signed = SIGNATURE.put({ url: plain, signature });
  return `/${signed.path}?${signed.query}`;
}

describeLanguage("url-bunny", {
  plugin: urlBunny({ versions: ["v"] }),
  sign,
  equal: [
    [
      "/a.jpg",
      "/%61.jpg",
      "/a.jpg?brightness=0&sepia=0&tint=FFFFFF",
      "/a.jpg?optimizer=image",
      "/a.jpg?flip=false",
    ],
    ["/a/b%20c.jpg?width=200", "/a/b%20c.jpg?width=200&upscaling=off&aspect_ratio=auto"],
    ["/a.jpg?width=200&height=100&aspect_ratio=2:1", "/a.jpg?width=200&height=300&aspect_ratio=16:8"],
    ["/a.jpg?crop=20,30", "/a.jpg?crop=20,30&crop_gravity=center"],
    ["/a.jpg?format=jpg&quality=1", "/a.jpg?output=jpeg&quality=0"],
  ],
  different: [
    "/a.jpg",
    "/b.jpg",
    "/a.jpg?v=2",
    "/a.jpg?width=200",
    "/a.jpg?height=200",
    "/a.jpg?width=200&height=100",
    "/a.jpg?width=200&height=100&upscaling=resampling",
    "/a.jpg?aspect_ratio=16:9",
    "/a.jpg?aspect_ratio=16:9&width=200",
    "/a.jpg?aspect_ratio=3:2&height=200&upscaling=resampling",
    "/a.jpg?crop=200,100",
    "/a.jpg?crop=200,100&crop_gravity=southeast",
    "/a.jpg?crop=200,100,10,20&width=50",
    "/a.jpg?face_crop=200,100",
    "/a.jpg?format=webp&quality=40",
    "/a.jpg?sharpen=true",
    "/a.jpg?blur=10",
    "/a.jpg?flip=true",
    "/a.jpg?flop=true&saturation=-100&blur=2&width=30",
  ],
  wrong: [
    "/a.jpg?width=abc",
    "/a.jpg?width=0",
    "/a.jpg?widht=20",
    "/a.jpg?crop=20",
    "/a.jpg?crop=20,a",
    "/a.jpg?crop_gravity=top",
    "/a.jpg?aspect_ratio=16",
    "/a.jpg?quality=101",
    "/a.jpg?format=tiff",
    "/a.jpg?flip=1",
    "/a.jpg?brightness=10",
    "/a.jpg?class=thumb",
    "/a.jpg?auto_optimize=low",
    "/a.jpg?token_countries=DE",
  ],
  unresolvable: ["/../a.jpg", "/b//a.jpg?width=9"],
});
