import { $, element } from "./dom.js";
import { change, kindOfVideo, sourcePath, VIDEO_URLS, valuesOf } from "./url.js";

/**
 * Chips by what they write into the URL; `""` takes the group's keys away. A group without keys holds switches, each
 * with a key of its own. `still`: only what is a picture in the end has it.
 */
const GROUPS = [
  { name: "Width", keys: ["w"], chips: { "w-240": "240", "w-480": "480", "w-720": "720", "w-1200": "1200" } },
  {
    name: "Ratio",
    keys: ["ar", "h"],
    chips: { "": "free", "ar-1-1": "1:1", "ar-3-2": "3:2", "ar-9-16": "9:16" },
    needs: "w-480",
  },
  {
    name: "Mode",
    keys: ["c", "cm"],
    chips: {
      "": "crop",
      "c-at_max": "fit",
      "cm-pad_resize": "pad",
      "c-force": "stretch",
      "cm-extract": "extract",
    },
  },
  {
    name: "Focus",
    still: true,
    keys: ["fo"],
    chips: { "": "center", "fo-auto": "auto", "fo-left": "left", "fo-top": "top", "fo-right": "right" },
  },
  {
    name: "Format",
    still: true,
    keys: ["f"],
    chips: { "": "auto", "f-avif": "AVIF", "f-webp": "WebP", "f-jpg": "JPEG", "f-png": "PNG" },
  },
  { name: "Quality", keys: ["q"], chips: { "q-15": "15", "q-50": "50", "": "80", "q-95": "95" } },
  {
    name: "Also",
    still: true,
    chips: { "rt-90": "rotate", "fl-h": "flip", "bl-10": "blur", "e-grayscale": "grayscale" },
  },
];

/** What the page says it can read; the server chooses among these. */
const CLIENTS = {
  "AVIF, WebP": "image/avif,image/webp,image/*,*/*;q=0.8",
  WebP: "image/webp,image/*,*/*;q=0.8",
  neither: "image/jpeg,image/png,image/*;q=0.8,*/*;q=0.5",
};
let client = "AVIF, WebP";

/** The `Accept` header of the browser that the page plays. */
export const accepted = () => CLIENTS[client];

function chip(textContent, onclick) {
  return element("button", { type: "button", textContent, onclick });
}

function row(name, chips, { still = false } = {}) {
  const label = element("span", { textContent: name });
  const group = element("div", { className: "group", role: "group", ariaLabel: name }, label);
  group.append(element("div", {}, ...chips));
  if (still) group.dataset.still = "";
  return group;
}

function groups(edit) {
  return GROUPS.map(({ name, keys, chips, needs, still }) =>
    row(
      name,
      Object.entries(chips).map(([text, title]) => {
        const own = keys ?? [text.startsWith("e-") ? text : text.split("-")[0]];
        const button = chip(title, () => {
          const set = text && button.ariaPressed !== "true";
          edit((url) => {
            const next = change(url, own, set ? text : undefined);
            return set && needs && !valuesOf(next, ["w"]).length ? change(next, ["w"], needs) : next;
          });
        });
        Object.assign(button.dataset, { keys: own.join(" "), text });
        return button;
      }),
      { still },
    ),
  );
}

function clients(edit) {
  const chips = Object.keys(CLIENTS).map((name) => {
    const button = chip(name, () => {
      client = name;
      for (const other of chips) other.ariaPressed = String(other === button);
      edit((url) => url);
    });
    button.ariaPressed = String(name === client);
    return button;
  });
  return row("Accept", chips, { still: true });
}

/** What is made of a video. */
function videos(edit) {
  const chips = Object.keys(VIDEO_URLS).map((kind) => {
    const button = chip(kind, () => edit((url) => VIDEO_URLS[kind](sourcePath(url))));
    button.dataset.kind = kind;
    return button;
  });
  const group = row("Video", chips);
  group.classList.add("of-video");
  return group;
}

/** Puts the chips on the page; `edit` is handed what each does to the URL. */
export function addChips(edit) {
  $("chips").append(videos(edit), ...groups(edit), clients(edit));
}

/** Presses the chips that stand in a URL. */
export function pressChips(url) {
  for (const button of $("chips").querySelectorAll("[data-keys]")) {
    const { keys, text } = button.dataset;
    const set = valuesOf(url, keys.split(" "));
    button.ariaPressed = String(text ? set.includes(text) : set.length === 0);
  }
  const kind = kindOfVideo(url);
  for (const button of $("chips").querySelectorAll("[data-kind]"))
    button.ariaPressed = String(button.dataset.kind === kind);
  for (const group of $("chips").children) {
    if (group.classList.contains("of-video")) group.hidden = kind === "";
    else group.hidden = kind === "stream" || (kind === "file" && "still" in group.dataset);
  }
}
