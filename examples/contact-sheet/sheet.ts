/** A picture on the sheet: the transformation, the file, and a note if the transformation does not explain itself. */
export type Shot = readonly [transformation: string, file: string, note?: string];

/** A part of the language. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly shots: readonly Shot[];
}

const base64 = (text: string) => encodeURIComponent(Buffer.from(text).toString("base64"));
const on = (layer: string, rest = "") => `w-240,h-160${rest},${layer},l-end`;
const text = (layer: string) => on(`l-text,${layer}`);
const card = "w-240,h-160";

export const sections: readonly Section[] = [
  {
    id: "size",
    title: "Size",
    text: "One dimension, from which the other follows, or both; in pixels, fractions, ratios and expressions.",
    shots: [
      ["w-240", "dandelion.jpg"],
      ["h-120", "dandelion.jpg"],
      ["w-160,h-160", "dandelion.jpg"],
      ["w-0.06", "dandelion.jpg", "a fraction of the original"],
      ["w-240,ar-21-9", "dandelion.jpg", "the height follows from the ratio"],
      ["w-120,dpr-2", "dandelion.jpg", "for a dense screen"],
      ["w-iw_div_16,h-ih_div_18", "dandelion.jpg", "calculated from the original's size"],
      ["w-240:w-cw_div_2", "dandelion.jpg", "two steps, the second from the first"],
      ["if-iar_gt_1,w-240,if-else,h-120,if-end", "dandelion.jpg", "only if the condition is true"],
      ["if-iar_gt_1,w-240,if-else,h-180,if-end", "dogs.jpg", "otherwise the other branch"],
      ["n-thumb", "dandelion.jpg", "a transformation stored in the configuration"],
    ],
  },
  {
    id: "modes",
    title: "Modes",
    text: "What happens if the box and the image have different ratios.",
    shots: [
      [`${card},c-maintain_ratio`, "dogs.jpg", "covers the box (default)"],
      [`${card},c-force`, "dogs.jpg", "stretched"],
      [`${card},c-at_max`, "dogs.jpg", "as large as fits"],
      ["w-100:w-240,h-240,c-at_max", "dogs.jpg", "and never enlarged"],
      ["w-100:w-240,h-240,c-at_max_enlarge", "dogs.jpg", "unless requested"],
      ["w-120,h-160,c-at_least", "dogs.jpg", "the smallest that covers the box"],
      ["w-120:w-240,h-200,c-maintain_ratio_no_enlarge", "dogs.jpg", "cropped, not enlarged"],
      [`${card},cm-pad_resize,bg-DDE7E4`, "dogs.jpg", "fitted and padded"],
      [`w-80:${card},cm-pad_resize_no_enlarge,bg-DDE7E4`, "dogs.jpg", "padded, not enlarged"],
      [`${card},cm-extract`, "dogs.jpg", "a window of the unscaled image"],
      [`${card},cm-extract,x-640,y-620`, "dogs.jpg", "by the position of its corner"],
      [`${card},cm-extract,xc-iw_div_2,yc-ih_div_2`, "dogs.jpg", "by the position of its centre"],
      [`w-120:${card},cm-pad_extract,bg-DDE7E4`, "dogs.jpg", "padded outside the image"],
      ["w-200:w-240,h-100,cm-pad_extract_no_shrink,bg-DDE7E4", "dogs.jpg", "and never cropped"],
    ],
  },
  {
    id: "focus",
    title: "Focus",
    text: "The region that a crop keeps, and the position of a padded image.",
    shots: [
      ..."center top bottom left right top_left top_right bottom_left bottom_right"
        .split(" ")
        .map((focus): Shot => [`w-400:w-150,h-150,cm-extract,fo-${focus}`, "fig.jpg"]),
      [`${card},cm-pad_resize,fo-left,bg-DDE7E4`, "dogs.jpg", "padded on the right"],
      ["w-150,h-150,fo-auto", "dandelion.jpg", "the salient region"],
      ["w-150,h-150,fo-custom", "dandelion.jpg", "a stored area; here the centre"],
      ["w-200", "astronaut.jpg", "a portrait …"],
      ["w-240,h-120,fo-face", "astronaut.jpg", "… cropped around the face"],
      ["w-150,h-150,fo-face,z-2", "astronaut.jpg", "closer"],
      ["w-150,h-150,cm-extract,fo-face,z-0.6", "astronaut.jpg", "a window with more around it"],
      ["fo-face", "astronaut.jpg", "the head alone"],
      ["fo-face,ar-16-9", "astronaut.jpg", "made wider"],
    ],
  },
  {
    id: "backgrounds",
    title: "Backgrounds",
    text: "What fills the padding, and what is behind transparent pixels.",
    shots: [
      [`${card},cm-pad_resize`, "dogs.jpg", "black by default"],
      [`${card},cm-pad_resize,bg-F2BD6B`, "dogs.jpg"],
      [`${card},cm-pad_resize,bg-F2BD6B40,f-png`, "dogs.jpg", "with 40 % opacity"],
      [`${card},cm-pad_resize,bg-lightseagreen`, "dogs.jpg"],
      [`${card},cm-pad_resize,bg-blurred`, "dogs.jpg"],
      [`${card},cm-pad_resize,bg-blurred_25_N60`, "dogs.jpg", "less blurred, and darker"],
      [`${card},cm-pad_resize,bg-dominant`, "dogs.jpg"],
      [`${card},cm-pad_resize,bg-gradient_dominant`, "dogs.jpg"],
      [`${card},cm-pad_resize,bg-gradient_dominant_4`, "dogs.jpg"],
      ["w-150", "logo.png", "transparency is kept"],
      ["w-150,bg-F2BD6B", "logo.png", "or replaced by a colour"],
    ],
  },
  {
    id: "effects",
    title: "Effects",
    text: "Rotation, tones, edges and colours.",
    shots: [
      ["w-160,rt-90", "fig.jpg"],
      ["w-160,rt-N15", "fig.jpg", "counter-clockwise; the canvas grows"],
      [`${card},fl-h`, "fig.jpg"],
      [`${card},fl-v`, "fig.jpg"],
      [`${card},fl-h_v`, "fig.jpg"],
      [`${card},bl-10`, "fig.jpg"],
      [`${card},e-grayscale`, "fig.jpg"],
      [`${card},e-contrast`, "stream.jpg"],
      [`${card},e-sharpen`, "stream.jpg"],
      [`${card},e-sharpen-99`, "stream.jpg"],
      [`${card},e-usm-2-2-0.8-0.024`, "stream.jpg"],
      ["w-160:t-true", "logo.png", "borders of one colour are trimmed"],
      ["w-160,bg-FFFFFF:t-30", "logo.png", "with more tolerance"],
      [`${card},r-20`, "fig.jpg"],
      [`${card},r-60_0_60_0`, "fig.jpg"],
      ["w-160,h-160,r-max", "fig.jpg"],
      [`${card},b-8_0B7A75`, "fig.jpg"],
      [`${card},b-cw_div_20_F2BD6B`, "fig.jpg"],
      [`${card},o-40`, "fig.jpg"],
      ["w-150,e-shadow", "logo.png"],
      ["w-150,e-shadow-bl-2_st-80_x-N8_y-8", "logo.png"],
      [`${card},e-gradient`, "fig.jpg"],
      [`${card},e-gradient-ld-top_from-00000075_to-00000000_sp-0.6`, "fig.jpg"],
      [`${card},e-gradient-ld-45_from-0B7A75_to-F2BD6B80`, "fig.jpg"],
      [`${card},e-distort-p-30_10_210_30_240_150_0_130`, "fig.jpg"],
      [`${card},e-distort-a-60`, "fig.jpg"],
      [`${card},e-distort-a-N60`, "fig.jpg"],
      [`${card},e-colorize`, "fig.jpg"],
      [`${card},e-colorize-co-0B7A75_in-70`, "fig.jpg"],
      ["w-150,cr-B3261E", "logo.png", "the dominant colour replaced"],
      ["w-150,cr-5B3FD0_40_FFD166", "logo.png", "one colour replaced"],
    ],
  },
  {
    id: "layers",
    title: "Layers",
    text: "Images and colours on an image, with positions and blend modes.",
    shots: [
      [on("l-image,i-logo.png,w-60"), "mountains.jpg", "in the centre"],
      [on("l-image,i-logo.png,w-60,lfo-top_right"), "mountains.jpg"],
      [on("l-image,i-logo.png,w-60,lx-10,ly-20"), "mountains.jpg"],
      [on("l-image,i-logo.png,w-60,lx-N10,ly-N10"), "mountains.jpg", "from the other edges"],
      [on("l-image,i-logo.png,w-60,lxc-60,lyc-bh_div_2"), "mountains.jpg", "by its centre"],
      [on("l-image,i-logo.png,w-60,lx-0,ly-10,lap-bottom_left"), "mountains.jpg", "from another anchor"],
      [on(`l-image,ie-${base64("logo.png")},w-60,lfo-left`), "mountains.jpg", "its path in Base64"],
      [
        on("l-image,i-dogs.jpg,w-80,h-80,fo-auto,r-max,b-3_FFFFFF,lfo-right"),
        "mountains.jpg",
        "with its own steps",
      ],
      [on("l-image,i-logo.png,w-bw_div_2,t-false,e-grayscale,o-60"), "mountains.jpg"],
      [
        on("l-image,i-fig.jpg,w-140,h-100,l-image,i-logo.png,w-40,lfo-top_left,l-end"),
        "mountains.jpg",
        "a layer on a layer",
      ],
      [on("l-image,i-ik_canvas,bg-0B7A75,w-bw,h-40,al-7,lfo-bottom"), "mountains.jpg", "a colour"],
      [
        on("l-image,i-ik_canvas,w-bw,h-bh,e-gradient-ld-top_from-000000_to-00000000,lfo-bottom"),
        "mountains.jpg",
        "a gradient",
      ],
      [on("l-image,i-brushes.jpg,w-240,h-160,lm-multiply"), "mountains.jpg", "multiplied"],
      [on("l-image,i-stream.jpg,w-240,h-160,lm-displace,x-12,y-12"), "fig.jpg", "moved by its colours"],
      [on("l-image,i-logo.png,w-110,lm-cutout", ",f-png"), "mountains.jpg", "a hole"],
      [on("l-image,i-logo.png,w-150,lm-cutter", ",f-png"), "mountains.jpg", "only inside the shape"],
    ],
  },
  {
    id: "text",
    title: "Text",
    text: "Texts on images, in boxes, fonts and scripts.",
    shots: [
      [text("i-Hello"), "mountains.jpg", "black, in the centre by default"],
      [text("i-Hello,fs-60,co-FFFFFF"), "dandelion.jpg"],
      [text(`ie-${base64("Grüße, Dusk & Dawn!")},fs-22,co-FFFFFF`), "dandelion.jpg", "the text in Base64"],
      [text("i-Lobster,ff-Lobster,fs-44,co-F2BD6B"), "dandelion.jpg"],
      [text("i-PT%20Serif,ff-PT_Serif,tg-b_i,fs-36,co-FFFFFF"), "dandelion.jpg", "bold and italic"],
      [text("i-sold%20out,tg-strikethrough,fs-36,co-FFFFFF"), "dandelion.jpg"],
      [text("i-A%20line%20that%20is%20wrapped,w-140,fs-22,lh-30,co-FFFFFF,ia-left"), "dandelion.jpg"],
      [
        text("i-a%20label,fs-20,bg-F2BD6B,co-14201E,pa-8_16,r-10,lx-N10,ly-10"),
        "dandelion.jpg",
        "a box with padding and round corners",
      ],
      [text("i-faint,fs-60,co-FFFFFF,al-4"), "dandelion.jpg"],
      [text("i-askew,fs-40,co-FFFFFF,rt-N20"), "dandelion.jpg"],
      [text(`ie-${base64("Ελληνικά · Кириллица")},fs-20,co-FFFFFF`), "dandelion.jpg"],
      [text(`ie-${base64("שלום · مرحبا")},fs-30,co-FFFFFF`), "dandelion.jpg", "from right to left"],
      [text(`ie-${base64("नमस्ते · สวัสดี")},fs-30,co-FFFFFF`), "dandelion.jpg"],
    ],
  },
  {
    id: "output",
    title: "Output",
    text: "Formats, and the content of the file. Each image is shown with its size in bytes.",
    shots: [
      [`${card},f-auto`, "brushes.jpg", "the best format for this browser"],
      ...["jpg", "png", "webp", "avif", "orig"].map((format): Shot => [`${card},f-${format}`, "brushes.jpg"]),
      [`${card},f-jpg,q-10`, "brushes.jpg"],
      [`${card},f-webp,lo-true`, "brushes.jpg", "lossless"],
      [`${card},f-jpg,pr-true`, "brushes.jpg", "progressive"],
      [`${card},f-jpg,cp-true`, "brushes.jpg", "keeps its colour profile"],
      [`${card},f-jpg,md-true`, "brushes.jpg", "keeps its metadata"],
      ["f-png,dn-24", "logo.svg", "an SVG rendered at 24 dpi"],
      ["w-150,f-svg", "logo.svg", "or left as it is"],
      [card, "zoom.webp", "an animation stays animated"],
      [`${card},pg-6`, "zoom.webp", "one of its frames"],
      [`${card},di-logo.png`, "not-there.jpg", "a default image for a missing one"],
      ["orig-true", "zoom.webp", "the original's own bytes"],
    ],
  },
];

/** Path of a picture on the server. */
export const urlOf = ([transformation, file]: Shot): string => `/tr:${transformation}/${file}`;
