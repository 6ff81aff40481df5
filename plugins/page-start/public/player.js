import { copyButton, element } from "./dom.js";

const HLS = "application/vnd.apple.mpegurl";

/** URLs of one video: what a player asks for. */
export function addresses(path, transformation) {
  const file = `/${path}`;
  return {
    still: `${file}/ik-thumbnail.jpg?tr=w-1280`,
    previews: `${file}/ik-seek-thumbnail-track.vtt`,
    stream: (rungs) => `${file}/ik-master.m3u8?tr=sr-${rungs.join("_")}`,
    whole: (rung) => `${file}?tr=h-${rung},c-at_max`,
    rungs: (/sr-([\d_]+)/.exec(transformation)?.[1] ?? "240_360_720").split("_"),
  };
}

const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);

/** Cues of a WebVTT file that point into sheets: from when until when, and which part of which picture. */
export function readPreviews(text, base) {
  const cue = /([\d:.]+) --> ([\d:.]+)[^\n]*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;
  return [...text.matchAll(cue)].map(([, from, to, url, x, y, width, height]) => ({
    from: seconds(from),
    to: seconds(to),
    url: new URL(url, base).href,
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
  }));
}

export const clock = (time) => `${Math.floor(time / 60)}:${String(Math.floor(time % 60)).padStart(2, "0")}`;

/** A video that is cut into a stream while it plays, with previews to seek by. */
export function player({ path, title, credit, transformation }) {
  const urls = addresses(path, transformation);
  const video = element("video", { controls: true, preload: "none", playsInline: true, poster: urls.still });
  video.ariaLabel = title;
  const streams = video.canPlayType(HLS) !== "";
  let chosen = urls.rungs;

  const urlOf = () => (streams ? urls.stream(chosen) : urls.whole(chosen.at(-1)));
  const code = element("code");
  const button = copyButton(() => location.origin + urlOf(), `Copy the URL of ${title}`);

  /** Another quality goes on where the one before was. */
  function load() {
    const { currentTime, paused } = video;
    const begun = video.currentSrc !== "";
    video.src = urlOf();
    code.textContent = urlOf();
    if (!begun) return;
    video.addEventListener("loadedmetadata", () => Object.assign(video, { currentTime }), { once: true });
    if (!paused) video.play().catch(() => {});
  }

  const choices = [["Auto", urls.rungs], ...urls.rungs.map((rung) => [`${rung}p`, [rung]])].map(
    ([name, rungs]) => {
      const choice = element("button", { type: "button", className: "quiet", textContent: name });
      choice.onclick = () => {
        chosen = rungs;
        for (const one of choices) one.ariaPressed = String(one === choice);
        load();
      };
      choice.ariaPressed = String(rungs === chosen);
      return choice;
    },
  );
  load();

  return element(
    "figure",
    { className: "player" },
    element("div", { className: "screen" }, video, strip(video, urls)),
    element(
      "figcaption",
      { className: "about" },
      element("h3", { textContent: title }),
      element("p", { textContent: credit ?? "" }),
      element("div", { className: "rungs", role: "group", ariaLabel: "Quality" }, ...choices),
    ),
    element("div", { className: "command" }, code, button),
  );
}

/** A line below the picture: pointing at it shows what is there, and a click goes there. */
function strip(video, urls) {
  const picture = element("i");
  const time = element("b");
  const shown = element("div", { className: "preview", hidden: true }, picture, time);
  const done = element("div", { className: "done" });
  const line = element("div", { className: "strip" }, done, shown);
  let cues;

  async function learn() {
    cues ??= fetch(urls.previews).then(async (answer) =>
      answer.ok ? readPreviews(await answer.text(), answer.url) : [],
    );
    return await cues;
  }

  const at = (event) => {
    const { left, width } = line.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  line.onpointermove = async (event) => {
    const part = at(event);
    const found = await learn().catch(() => []);
    const length = Number.isFinite(video.duration) ? video.duration : (found.at(-1)?.to ?? 0);
    const cue = found.find(({ from, to }) => part * length >= from && part * length < to);
    shown.hidden = !cue;
    if (!cue) return;
    time.textContent = clock(part * length);
    Object.assign(picture.style, {
      width: `${cue.width}px`,
      height: `${cue.height}px`,
      backgroundImage: `url("${cue.url}")`,
      backgroundPosition: `-${cue.x}px -${cue.y}px`,
    });
    shown.style.left = `clamp(${cue.width / 2 + 4}px, ${part * 100}%, calc(100% - ${cue.width / 2 + 4}px))`;
  };
  line.onpointerleave = () => {
    shown.hidden = true;
  };
  line.onclick = (event) => {
    const part = at(event);
    const go = () => {
      video.currentTime = part * video.duration;
    };
    if (video.readyState > 0) return go();
    video.addEventListener("loadedmetadata", go, { once: true });
    video.play().catch(() => {});
  };
  video.addEventListener("timeupdate", () => {
    done.style.width = `${(100 * video.currentTime) / video.duration}%`;
  });
  return line;
}
