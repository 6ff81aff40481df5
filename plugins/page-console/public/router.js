import { signal } from "@preact/signals";

/** The address of the page that is shown. */
export const address = signal(new URL(location.href));

/**
 * Shows a page. A page that is only refined replaces its entry in the history.
 * @param {string} path
 */
export function navigate(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", path);
  else if (path !== location.pathname + location.search) history.pushState(null, "", path);
  address.value = new URL(location.href);
}

/** @param {string} url */
export const inspectPath = (url, accept = "") =>
  `/-/console/inspect?${new URLSearchParams({ url, ...(accept ? { accept } : {}) })}`;

addEventListener("popstate", () => {
  address.value = new URL(location.href);
});

document.addEventListener("click", (event) => {
  const link = /** @type {HTMLAnchorElement | null} */ (
    /** @type {Element} */ (event.target).closest?.('a[href^="/-/console/"]:not([target])')
  );
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(link.getAttribute("href") ?? "");
  scrollTo(0, 0);
});
