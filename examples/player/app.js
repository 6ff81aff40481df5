const $ = (id) => document.getElementById(id);
const video = $("video");
const file = document.querySelector("main").dataset.video;
const LADDER = "sr-240_360_480_720";
const HLS = `${file}/ik-master.m3u8?tr=${LADDER}`;
const DASH = `${file}/ik-master.mpd?tr=${LADDER}`;

/** Quality that was chosen; below zero: the player chooses. */
let chosen = -1;

const say = (text) => {
  $("said").textContent = text;
};

/** What is on the screen, which follows a choice as soon as the first segment of that quality is there. */
function plays(height) {
  if (!height) return;
  const wanted = $("rungs").children[chosen + 1]?.textContent;
  const isThere = chosen < 0 || wanted === `${height}p`;
  say(`Playing ${height}p${isThere ? "" : `, switching to ${wanted}`}`);
}

/** A button for each quality, and one that leaves the choice to the player. */
function offer(heights, choose) {
  chosen = -1;
  const buttons = ["Auto", ...heights.map((height) => `${height}p`)].map((name, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.ariaPressed = String(at === 0);
    button.onclick = () => {
      chosen = at - 1;
      for (const one of buttons) one.ariaPressed = String(one === button);
      choose(chosen);
    };
    return button;
  });
  $("rungs").replaceChildren(...buttons);
}

const players = {
  hls() {
    $("url").textContent = HLS;
    const hls = new window.Hls({ startLevel: 0 });
    let height;
    hls.on(window.Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
      offer(
        levels.map((level) => level.height),
        (level) => {
          // At once: what is buffered in another quality is given up.
          hls.currentLevel = level;
          plays(height);
        },
      );
    });
    hls.on(window.Hls.Events.LEVEL_SWITCHED, (_, { level }) => {
      height = hls.levels[level].height;
      plays(height);
    });
    hls.on(window.Hls.Events.ERROR, (_, { fatal, details }) => fatal && say(`Failed: ${details}`));
    hls.loadSource(HLS);
    hls.attachMedia(video);
    return () => hls.destroy();
  },
  async shaka() {
    $("url").textContent = DASH;
    window.shaka.polyfill.installAll();
    const player = new window.shaka.Player();
    const active = () => player.getVariantTracks().find((track) => track.active)?.height;
    await player.attach(video);
    player.addEventListener("error", ({ detail }) => say(`Failed: ${detail.code}`));
    for (const event of ["adaptation", "variantchanged"])
      player.addEventListener(event, () => plays(active()));
    await player.load(DASH);
    const tracks = player.getVariantTracks().sort((a, b) => a.height - b.height);
    offer(
      tracks.map(({ height }) => height),
      (at) => {
        player.configure({ abr: { enabled: at < 0 } });
        if (at >= 0) player.selectVariantTrack(tracks[at], true);
        plays(active());
      },
    );
    plays(active());
    return () => player.destroy();
  },
  native() {
    $("url").textContent = HLS;
    $("rungs").replaceChildren();
    say("");
    if (video.canPlayType("application/vnd.apple.mpegurl") === "") {
      say("This browser plays no HLS by itself: Safari, Chrome and Edge do.");
      return () => {};
    }
    const note = () => plays(video.videoHeight);
    video.addEventListener("resize", note);
    video.src = HLS;
    return () => {
      video.removeEventListener("resize", note);
      video.removeAttribute("src");
    };
  },
};

let leave = () => {};
async function start() {
  const name = location.hash.slice(1) in players ? location.hash.slice(1) : "hls";
  for (const link of $("players").children)
    link.ariaCurrent = link.getAttribute("href") === `#${name}` ? "page" : null;
  say("");
  await leave();
  leave = await players[name]();
}
window.onhashchange = start;
await start();
