const video = document.getElementById("video");
const rungs = document.getElementById("rungs");
const said = document.getElementById("said");
const file = document.querySelector("main").dataset.video;
const LADDER = "sr-240_360_480_720";

const say = (text) => {
  said.textContent = text;
};

/** A button for each quality, and one that leaves the choice to the player. */
function offer(names, choose) {
  const buttons = ["auto", ...names].map((name, at) => {
    const button = document.createElement("button");
    button.textContent = name;
    button.onclick = () => choose(at - 1);
    return button;
  });
  rungs.replaceChildren(...buttons);
}

const players = {
  hls() {
    const hls = new window.Hls({ startLevel: 0 });
    hls.on(window.Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
      offer(
        levels.map(({ height }) => `${height}p`),
        (level) => {
          hls.nextLevel = level;
        },
      );
    });
    hls.on(window.Hls.Events.LEVEL_SWITCHED, (_, { level }) =>
      say(`hls.js plays ${hls.levels[level].height}p`),
    );
    hls.on(window.Hls.Events.ERROR, (_, { fatal, details }) => fatal && say(`failed: ${details}`));
    hls.loadSource(`${file}/ik-master.m3u8?tr=${LADDER}`);
    hls.attachMedia(video);
    return () => hls.destroy();
  },
  async shaka() {
    window.shaka.polyfill.installAll();
    const player = new window.shaka.Player();
    await player.attach(video);
    player.addEventListener("error", ({ detail }) => say(`failed: ${detail.code}`));
    player.addEventListener("adaptation", () => {
      const track = player.getVariantTracks().find(({ active }) => active);
      say(`shaka-player plays ${track?.height}p`);
    });
    await player.load(`${file}/ik-master.mpd?tr=${LADDER}`);
    const tracks = player.getVariantTracks().sort((a, b) => a.height - b.height);
    offer(
      tracks.map(({ height }) => `${height}p`),
      (at) => {
        player.configure({ abr: { enabled: at < 0 } });
        if (at >= 0) player.selectVariantTrack(tracks[at], true);
      },
    );
    say(`shaka-player plays ${tracks.find(({ active }) => active)?.height}p`);
    return () => player.destroy();
  },
  native() {
    video.src = `${file}/ik-master.m3u8?tr=${LADDER}`;
    rungs.replaceChildren();
    say("the browser plays it by itself");
    return () => video.removeAttribute("src");
  },
};

let leave = () => {};
async function start() {
  await leave();
  leave = await (players[location.hash.slice(1)] ?? players.hls)();
}
window.onhashchange = start;
await start();
