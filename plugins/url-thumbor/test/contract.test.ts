import { describeLanguage } from "@mediatap/test";
import { urlThumbor } from "../src/index.ts";
import { createSignature } from "../src/signature.ts";

const unsafe = (rest: string) => `/unsafe/${rest}`;
const filters = (text: string) => unsafe(`filters:${text}/a.jpg`);

/** A URL with the signature in the place of `unsafe`. */
function sign(url: string, key: string): string {
  const scheme = createSignature({ algorithm: "sha1" });
  const [path = "", query = ""] = url.slice(1).split("?");
  const signature = String([scheme.sign({ path, query }, key)].flat()[0]);
  const signed = scheme.put({ url: { path, query }, signature });
  return `/${signed.path}${query === "" ? "" : `?${query}`}`;
}

describeLanguage("url-thumbor", {
  plugin: urlThumbor(),
  sign,
  equal: [
    [
      unsafe("a.jpg"),
      unsafe("/a.jpg"),
      unsafe("x/a.jpg"),
      unsafe("smart/a.jpg"),
      unsafe("filters:blur(0)/a.jpg"),
      unsafe("b64:YS5qcGc/a.jpg").replace("/a.jpg", ""),
    ],
    [unsafe("b/a.jpg"), unsafe("b%2Fa.jpg"), unsafe("%2Fb%2Fa.jpg")],
    [unsafe("300x0/a.jpg"), unsafe("300x/a.jpg"), unsafe("fit-in/300x/filters:upscale()/a.jpg")],
    [unsafe("300x200/a.jpg"), unsafe("300x200/center/middle/a.jpg")],
    [unsafe("10x20:300x200/a.jpg"), unsafe("10x20%3A300x200/a.jpg")],
    [
      unsafe("trim/a.jpg"),
      unsafe("trim:1/a.jpg"),
      unsafe("trim:top-left/a.jpg"),
      unsafe("trim:top-left:0/a.jpg"),
    ],
    [filters("blur(7,3)"), filters("blur(3)"), filters("blur(7,%203)"), filters("blur%287%2C3%29")],
    [
      filters("fill(red)"),
      filters("fill(ff0000,true)"),
      filters("fill(f00)"),
      filters("background_color(red)"),
    ],
    [
      filters("round_corner(9,0,0,255)"),
      filters("round_corner(9|9,0,0,255,false)"),
      filters("round_corner(9,9,0000ff)"),
    ],
    [filters("grayscale():quality(50)"), filters("quality(40):grayscale():quality(50)")],
    [unsafe("stretch/30x20/a.jpg"), unsafe("30x20/filters:stretch()/a.jpg")],
  ],
  different: [
    unsafe("a.jpg"),
    unsafe("b.jpg"),
    unsafe("a.jpg?v=2"),
    unsafe("smart%2Fa.jpg"),
    unsafe("30x20%2Fa.jpg"),
    unsafe("10x20:300x200/a.jpg"),
    unsafe("30x20/a.jpg"),
    unsafe("30xorig/a.jpg"),
    unsafe("30x-20/a.jpg"),
    unsafe("-0x-0/a.jpg"),
    unsafe("30x20/left/top/a.jpg"),
    unsafe("30x20/smart/a.jpg"),
    unsafe("30x20/filters:no_upscale()/a.jpg"),
    unsafe("fit-in/30x20/a.jpg"),
    unsafe("fit-in/30x/a.jpg"),
    unsafe("fit-in/30x20/filters:upscale()/a.jpg"),
    unsafe("fit-in/30x20/filters:fill(red)/a.jpg"),
    unsafe("fit-in/30x20/left/filters:fill(blur)/a.jpg"),
    unsafe("fit-in/30x20/filters:fill(auto):upscale()/a.jpg"),
    unsafe("adaptive-fit-in/30x20/a.jpg"),
    unsafe("adaptive-full-fit-in/30x20/a.jpg"),
    unsafe("stretch/30x20/a.jpg"),
    unsafe("trim/30x20/filters:blur(2):rotate(90):grayscale():format(webp)/a.jpg"),
    unsafe("30x20/filters:rotate(90):blur(2)/a.jpg"),
    filters("blur(2):blur(3)"),
    filters("round_corner(5,255,0,0)"),
    filters("sharpen(2,1,true)"),
    filters("proportion(0.5)"),
    filters("cover()"),
    filters("quality(44)"),
  ],
  wrong: [
    unsafe("debug/30x20/a.jpg"),
    unsafe("meta/30x20/a.jpg"),
    unsafe("trim:abc/a.jpg"),
    unsafe("trim:bottom-right/a.jpg"),
    unsafe("trim:400/a.jpg"),
    unsafe("trim/1x2:30x40/a.jpg"),
    unsafe("30x20:10x10/a.jpg"),
    unsafe("0.1x0.1:5x5/a.jpg"),
    unsafe("9999999x1/a.jpg"),
    unsafe("30x20/1x2:3x4/a.jpg"),
    unsafe("full-fit-in/30x20/filters:fill(red)/a.jpg"),
    filters("fill(octarine)"),
    filters("fill()"),
    filters("blur(1):fill(red)"),
    filters("blur(abc)"),
    filters("blur(1,2,3)"),
    filters("blurr(1)"),
    filters("blur"),
    filters("quality(0)"),
    filters("format(tiff)"),
    filters("format(exe)"),
    filters("rotate(45)"),
    filters("round_corner(5|9,0,0,0)"),
    filters("brightness(20)"),
    filters("focal(1x2:3x4):focal(5x6:7x8)"),
    filters("watermark(https://a.example/b.png,1,1,0)"),
    filters("watermark(b.png,repeat,1,0)"),
    filters("smart(1)"),
    filters("grayscale(1)"),
    filters("blur(%ff)"),
  ],
  unresolvable: [
    "/30x20/a.jpg",
    unsafe("30x20/../a.jpg"),
    unsafe("30x20/a%00.jpg"),
    unsafe("30x20/..%2Fa.jpg"),
    unsafe("filters:blur(3/a.jpg"),
    unsafe("30x20/https://u:p@h/a.jpg"),
    unsafe("30x20/"),
  ],
});
