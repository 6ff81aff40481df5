// Reports below each picture how large it is and what it weighs, copies URLs, and searches.

const pixels = ({ naturalWidth, naturalHeight }) => `${naturalWidth} × ${naturalHeight}`;

function weight(image) {
  const [entry] = performance.getEntriesByName(image.src);
  const bytes = entry?.decodedBodySize ?? 0;
  return bytes ? ` · ${bytes < 10_000 ? (bytes / 1000).toFixed(1) : Math.round(bytes / 1000)} kB` : "";
}

for (const image of document.querySelectorAll("figure img")) {
  const describe = () => {
    image.closest("figure").querySelector("output").textContent = pixels(image) + weight(image);
  };
  if (image.complete) describe();
  image.addEventListener("load", describe);
  image.addEventListener("error", () => image.closest("figure").classList.add("broken"));
}
performance.setResourceTimingBufferSize(1000);

// Without TLS, or localhost, browsers keep the clipboard to themselves.
for (const button of document.querySelectorAll("figure button")) button.hidden = !navigator.clipboard;
document.querySelector("main").addEventListener("click", async ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return;
  await navigator.clipboard.writeText(target.closest("figure").querySelector("a").href);
  target.textContent = "Copied";
  setTimeout(() => {
    target.textContent = "Copy";
  }, 1200);
});

/** What is searched in: the transformation, the file and the note of a picture, and the title of its section. */
const entries = [...document.querySelectorAll("section")].flatMap((section) => {
  const title = section.querySelector("h2").textContent;
  return [...section.querySelectorAll("figure")].map((figure) => {
    const words = ["code", "small", "p"].map((part) => figure.querySelector(part)?.textContent ?? "");
    return { section, figure, text: [title, ...words].join(" ").toLowerCase() };
  });
});

const search = document.getElementById("search");
search.oninput = () => {
  const words = search.value.toLowerCase().split(/\s+/);
  const shown = new Set();
  for (const { section, figure, text } of entries) {
    figure.hidden = !words.every((word) => text.includes(word));
    if (!figure.hidden) shown.add(section);
  }
  for (const { section } of entries) section.hidden = !shown.has(section);
  document.getElementById("none").textContent = shown.size === 0 ? "Nothing found" : "";
};
