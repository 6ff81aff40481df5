import assert from "node:assert/strict";
import type { Endpoint } from "@mediatap/core";
import fc from "fast-check";
import { admitted, jobOf, namedChains } from "./helpers.ts";

type Rewriter = NonNullable<Endpoint["fields"]["urlRewriter"]>;

const CLOUDINARY: Rewriter = { type: "CLOUDINARY" };
const IMGIX: Rewriter = { type: "IMGIX" };
const AKAMAI: Rewriter = { type: "AKAMAI" };

const endpointWith = (urlRewriter: Rewriter) => ({
  fields: { urlRewriter },
  namedTransformations: namedChains({ small: "w-100" }),
});

/** The job of a URL on an endpoint that rewrites. */
const rewritten = (url: string, rewriter: Rewriter) => jobOf(url, { endpoint: endpointWith(rewriter) });

/** A URL of another product, and the one of this language that means the same. */
function assertEqual(url: string, own: string, rewriter: Rewriter): void {
  const endpoint = { namedTransformations: namedChains({ small: "w-100" }) };
  const { written: _, ...expected } = jobOf(own, { endpoint });
  const { written: __, ...found } = rewritten(url, rewriter);
  assert.equal(found.problem, undefined, url);
  assert.deepEqual(found, expected, url);
}

describe("url-imagekit: URLs of Cloudinary", () => {
  it("mean what the documentation of the rewriter lists", () => {
    const table: readonly (readonly [cloudinary: string, own: string])[] = [
      ["h_300,w_300,c_crop,g_north/a_50", "h-300,w-300,cm-extract,fo-top:rt-50"],
      ["w_100", "w-100"],
      ["w_100,ar_2.5", "w-100,ar-2.5-1"],
      ["w_100,ar_3", "w-100,ar-3-1"],
      ["w_100,ar_4:3", "w-100,ar-4-3"],
      ...(
        [
          ["north", "top"],
          ["south", "bottom"],
          ["east", "right"],
          ["west", "left"],
          ["north_west", "top_left"],
          ["north_east", "top_right"],
          ["south_east", "bottom_right"],
          ["south_west", "bottom_left"],
          ["center", "center"],
          ["auto", "auto"],
          ["custom", "custom"],
          ["face", "face"],
        ] as const
      ).map(([word, own]) => [`w_10,h_20,g_${word}`, `w-10,h-20,fo-${own}`] as const),
      ["c_crop,w_10,h_10,x_100,y_50", "cm-extract,w-10,h-10,x-100,y-50"],
      ["w_100,z_2.0,g_face,h_100", "w-100,z-2.0,fo-face,h-100"],
      ...["auto", "jpg", "jpeg", "png", "webp", "gif", "avif"].map(
        (format) => [`f_${format}`, `f-${format}`] as const,
      ),
      ["q_60", "q-60"],
      ["q_auto", "q-70"],
      ["q_auto:low", "q-50"],
      ["q_auto:eco", "q-60"],
      ["q_auto:good", "q-70"],
      ["q_auto:best", "q-86"],
      ["a_90", "rt-90"],
      ["a_-67", "rt-N67"],
      ["r_20", "r-20"],
      ["r_20:30:40:50", "r-20"],
      ["r_max", "r-max"],
      ["e_blur", "bl-1"],
      ["e_blur:500", "bl-5"],
      ["e_grayscale", "e-grayscale"],
      ["e_contrast:100", "e-contrast"],
      ["e_sharpen:500", "e-sharpen-5"],
      ["e_unsharp_mask:500", "e-usm-0-5-1-0.05"],
      ["e_unsharp_mask:250", "e-usm-0-2.5-1-0.05"],
      ["e_trim", "t-true"],
      ["e_trim:20", "t-20"],
      ["e_trim:20:red", "t-20"],
      ["bo_5px_solid_red", "b-5_red"],
      ["bo_5px_solid_BLUE", "b-5_blue"],
      ["bo_5px_solid_rgb:AAAA54", "b-5_AAAA54"],
      ["bo_5px_solid_rgb:AAAA54A9", "b-5_AAAA5466"],
      ["bo_5px_solid_rgb:B4F", "b-5_BB44FF"],
      ["bo_5px_solid_rgb:B4F9", "b-5_BB44FF60"],
      ["b_red", "bg-red"],
      ["b_rgb:AAAA54A9", "bg-AAAA5466"],
      ["b_rgb:B4FF", "bg-BB44FF"],
      ["w_90,h_90,c_pad,b_blurred:100:10", "w-90,h-90,cm-pad_resize,bg-blurred_5_25"],
      ["w_90,h_90,c_pad,b_blurred:100:-10", "w-90,h-90,cm-pad_resize,bg-blurred_5_N25"],
      ["w_90,h_90,c_pad,b_blurred", "w-90,h-90,cm-pad_resize,bg-blurred"],
      ["w_10,dpr_3.0", "w-10,dpr-3.0"],
      ["w_10,h_10,c_fill", "w-10,h-10,c-maintain_ratio"],
      ["w_10,h_10,c_fit", "w-10,h-10,c-at_max"],
      ["w_10,h_10,c_scale", "w-10,h-10,c-force"],
      ["t_small", "n-small"],
      ["fl_progressive", "pr-true"],
      ["fl_progressive:steep", "pr-true"],
      ["fl_progressive:semi", "pr-true"],
      ["fl_progressive:none", "pr-false"],
      ["l_logo.png", "l-image,i-logo.png,l-end"],
      [
        "l_brand:logo.png,w_20,g_south_east,x_5",
        "l-image,i-brand@@logo.png,lfo-bottom_right,lx-5,w-20,l-end",
      ],
      [
        "l_brand:logo.png/w_20/a_90/fl_layer_apply,g_north/r_5",
        "l-image,i-brand@@logo.png,lfo-top:w-20:rt-90,l-end:r-5",
      ],
      ["l_text:Roboto_50:Hello%20you", "l-text,i-Hello%20you,ff-Roboto,fs-50,l-end"],
      [
        "l_text:Roboto_50_bold_left:a%252Cb,co_rgb:B4F9",
        "l-text,ie-YSxi,ff-Roboto,fs-50,tg-b,ia-left,co-BB44FF60,l-end",
      ],
    ];
    for (const [cloudinary, own] of table) {
      assertEqual(`${cloudinary}/folder/a.jpg`, `tr:${own}/folder/a.jpg`, CLOUDINARY);
    }
    for (const [cloudinary, own] of [
      ["so_10.5599", "so-10.56"],
      ["eo_10.5522", "eo-10.55"],
      ["so_1,du_10.5500", "so-1,du-10.55"],
      ["q_auto:best", "q-60"],
      ["q_auto", "q-50"],
    ] as const) {
      assertEqual(`video/upload/${cloudinary}/a.mp4`, `tr:${own}/a.mp4`, CLOUDINARY);
    }
  });

  it("keep the file's path, with asset and delivery type only if the endpoint preserves them", () => {
    const preserving: Rewriter = { type: "CLOUDINARY", preserveAssetDeliveryTypes: true };
    assertEqual("image/upload/w_10/v12/a%20b/c.jpg", "tr:w-10/v12/a%20b/c.jpg", CLOUDINARY);
    assertEqual("image/upload/w_10/a/c.jpg", "tr:w-10/image/upload/a/c.jpg", preserving);
    assertEqual("image/upload/c.jpg", "c.jpg", CLOUDINARY);
    assertEqual("image/upload/c.jpg", "image/upload/c.jpg", preserving);
    assertEqual("image/c.jpg", "image/c.jpg", CLOUDINARY);
    assertEqual("image/photos/c.jpg", "image/photos/c.jpg", CLOUDINARY);
    assertEqual("raw/private/c.jpg", "c.jpg", CLOUDINARY);
    assertEqual("my_folder/w_300", "my_folder/w_300", CLOUDINARY);
    assertEqual("folder/w_10/c.jpg", "folder/w_10/c.jpg", CLOUDINARY);
    assertEqual("w_10/c.mp4/ik-thumbnail.jpg", "tr:w-10/c.mp4/ik-thumbnail.jpg", CLOUDINARY);
  });

  it("take parameters of this language beside them", () => {
    assertEqual(
      "w_100/a.jpg?tr=rt-90&ik-attachment=true&v=2",
      "tr:w-100:rt-90/a.jpg?ik-attachment=true&v=2",
      CLOUDINARY,
    );
    assertEqual("tr:w-100/a.jpg", "tr:w-100/a.jpg", CLOUDINARY);
  });

  it("lose parameters that are unknown or wrong, and nothing else", () => {
    assertEqual("h_100,w_<invalid>/a_90/a.jpg", "tr:h-100:rt-90/a.jpg", CLOUDINARY);
    for (const dropped of [
      "w_-5",
      "w_iw",
      "c_thumb",
      "g_auto:faces",
      "q_auto:superb",
      "e_sepia:50",
      "e_constructor",
      "fl_lossy",
      "b_nocolour",
      "bo_5px_dashed_red",
      "if_w_gt_5",
      "$x_5,w_$x",
      "l_fetch:aHR0cA,w_50",
      "l_text:Roboto:x",
      "dpr_9",
      "u_x,w_wide",
    ]) {
      assertEqual(`${dropped}/h_100/a.jpg`, "tr:h-100/a.jpg", CLOUDINARY);
      assertEqual(`h_100,${dropped.replace(/,.*|^l_.*/, "zz_1")}/a.jpg`, "tr:h-100/a.jpg", CLOUDINARY);
    }
  });

  it("claim to be named or plain as what they are rewritten to does", () => {
    const endpoint = { ...endpointWith(CLOUDINARY), restrictUnnamed: true };
    assert.equal(admitted("t_small/a.jpg", { endpoint }).transformation, "named");
    assert.equal(admitted("e_sepia/a.jpg", { endpoint }).transformation, "none");
    assert.throws(() => admitted("w_5/a.jpg", { endpoint }), { code: "EINVAL" });
    assert.throws(() => admitted("w_5,t_small/a.jpg", { endpoint }), { code: "EINVAL" });
  });
});

describe("url-imagekit: URLs of imgix and Akamai", () => {
  it("mean what the documentation of the rewriters lists", () => {
    const table: readonly (readonly [imgix: string, own: string])[] = [
      ["w=100", "w-100"],
      ["w=100&h=50&dpr=3.0&q=60", "w-100,h-50,dpr-3.0,q-60"],
      ["w=100&fit=crop&ar=2:3", "w-100,ar-2-3"],
      ["w=100&ar=2:3", "w-100"],
      ["w=100&h=50&fit=clip&ar=2:3", "w-100,h-50,c-at_max_enlarge"],
      ...(
        [
          ["top", "top"],
          ["top,left", "top_left"],
          ["left,top", "top_left"],
          ["right,bottom", "bottom_right"],
          ["faces", "auto"],
        ] as const
      ).map(([crop, own]) => [`w=50&h=60&crop=${crop}`, `w-50,h-60,fo-${own}`] as const),
      ...(
        [
          ["clip", "c-at_max_enlarge"],
          ["fill", "cm-pad_resize"],
          ["fillmax", "cm-pad_resize"],
          ["max", "c-at_max"],
          ["scale", "c-force"],
          ["facearea", "fo-face"],
        ] as const
      ).map(([fit, own]) => [`w=50&h=60&fit=${fit}`, `w-50,h-60,${own}`] as const),
      ["w=50&h=60&fit=crop", "w-50,h-60"],
      ...(
        [
          ["jpg", "jpg"],
          ["jpeg", "jpeg"],
          ["jp2", "jpg"],
          ["png", "png"],
          ["png8", "png"],
          ["png32", "png"],
          ["webp", "webp"],
          ["gif", "gif"],
          ["avif", "avif"],
        ] as const
      ).map(([format, own]) => [`fm=${format}`, `f-${own}`] as const),
      ...(
        [
          [1, 0],
          [6, 90],
          [3, 180],
          [8, 270],
          [0, 0],
          [90, 90],
          [180, 180],
          [270, 270],
        ] as const
      ).map(([orient, own]) => [`orient=${orient}`, `rt-${own}`] as const),
      ["fill-color=BLUE", "bg-blue"],
      ["fill-color=A9AAAA54", "bg-AAAA5466"],
      ["bg=9B4F", "bg-BB44FF60"],
      ["bg=B4F", "bg-BB44FF"],
      ["sharp=10", "e-sharpen-200"],
      ["con=-50", "e-contrast"],
      ["usm=40", "e-usm-2.5-8-1-0.05"],
      ["usm=40&usmrad=2", "e-usm-2-8-1-0.05"],
      ["blur=100", "bl-5"],
      ["trim=auto", "t-true"],
      ["trim=color", "t-true"],
    ];
    for (const [imgix, own] of table) assertEqual(`a/b.jpg?${imgix}`, `tr:${own}/a/b.jpg`, IMGIX);
    assertEqual("a.jpg?imwidth=100", "tr:w-100/a.jpg", AKAMAI);
    assertEqual("a.jpg?v=3&imwidth=100&imheight=50", "tr:w-100,h-50/a.jpg?v=3", AKAMAI);
  });

  it("lose values that are wrong, and leave parameters that are unknown to the file", () => {
    assertEqual("a.jpg?h=100&w=%3Cinvalid%3E&blur=100", "tr:h-100,bl-5/a.jpg", IMGIX);
    assertEqual("a.jpg?w=0&fit=x&crop=top,top&sharp=-1&usm=-50&usmrad=2&trim=yes&orient=5", "a.jpg", IMGIX);
    assertEqual("a.jpg?w=10&ixlib=js&v=2", "tr:w-10/a.jpg?ixlib=js&v=2", IMGIX);
    assertEqual("a.jpg?imwidth=wide&im=Blur", "a.jpg?im=Blur", AKAMAI);
    assertEqual("a.jpg?w=10", "a.jpg?w=10", AKAMAI);
  });
});

describe("url-imagekit: a rewriter", () => {
  it("never refuses the value of a parameter", () => {
    const text = fc
      .string({ unit: "grapheme", maxLength: 12 })
      // No name of a path may have these, whatever it means.
      .filter((value) => !/[/\\\p{Cc}]/u.test(value))
      .map((value) => encodeURIComponent(value));
    const keys = ["w", "h", "q", "f", "a", "r", "e", "bo", "b", "fl", "dpr", "ar", "g", "c", "l", "co", "zz"];
    const item = fc.tuple(fc.constantFrom(...keys), text).map(([key, value]) => `${key}_${value}`);
    fc.assert(
      fc.property(
        fc.array(fc.array(item, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
        (components) => {
          const path = components.map((items) => items.join(",")).join("/");
          const { problem } = rewritten(`w_1,${path === "" ? "" : `${path}/`}a.jpg`, CLOUDINARY);
          return (
            problem === undefined ||
            !/^Expected .* for (?:w|h|q|f|rt|r|b|bg|bl|e-\w+)\b/.test(problem.message)
          );
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("w", "h", "q", "fit", "crop", "bg", "usm", "blur"), text),
        (query) => {
          const text = Object.entries(query).map(([name, value]) => `${name}=${value}`);
          return rewritten(`a.jpg?${text.join("&")}`, IMGIX).problem === undefined;
        },
      ),
    );
  });
});
