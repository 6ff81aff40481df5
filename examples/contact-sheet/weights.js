// Says below each picture how large it is and what it weighs.

const pixels = ({ naturalWidth, naturalHeight }) => `${naturalWidth} × ${naturalHeight}`;

function weight(image) {
  const [entry] = performance.getEntriesByName(image.src);
  const bytes = entry?.decodedBodySize ?? 0;
  return bytes ? ` · ${bytes < 10_000 ? (bytes / 1000).toFixed(1) : Math.round(bytes / 1000)} kB` : "";
}

for (const image of document.querySelectorAll("figure img")) {
  const tell = () => {
    image.closest("figure").querySelector("output").textContent = pixels(image) + weight(image);
  };
  if (image.complete) tell();
  image.addEventListener("load", tell);
  image.addEventListener("error", () => image.closest("figure").classList.add("broken"));
}
performance.setResourceTimingBufferSize(1000);
