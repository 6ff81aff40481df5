import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "./api.js";
import { html, Icon, Pill } from "./ui.js";

/** @typedef {{ file: File, state: "waiting" | "busy" | "done" | "failed", error?: string, isTaken?: boolean }} Entry */

const TAKEN = /^There is a file with this name already/;

/**
 * Uploads files to a folder of an endpoint: by a button, or dropped anywhere on the page.
 * @param {{ endpoint: string, folder: string, onDone: () => void }} props
 */
export function Upload({ endpoint, folder, onDone }) {
  const [entries, setEntries] = useState(/** @type {Entry[]} */ ([]));
  const [isOver, setOver] = useState(false);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const turn = useRef(Promise.resolve());

  /** @param {File} file @param {Partial<Entry>} more */
  const change = (file, more) =>
    setEntries((before) => before.map((entry) => (entry.file === file ? { ...entry, ...more } : entry)));

  /** @param {File} file */
  const send = async (file, isReplacing = false) => {
    change(file, { state: "busy", error: "", isTaken: false });
    const body = new FormData();
    body.append("fileName", file.name);
    body.append("folder", `/${folder}`);
    body.append("useUniqueFileName", "false");
    body.append("overwriteFile", String(isReplacing));
    body.append("file", file, file.name);
    try {
      const query = new URLSearchParams({ endpoint });
      await call(`/api/api/v1/files/upload?${query}`, { method: "POST", body });
      change(file, { state: "done" });
      onDone();
    } catch (failure) {
      const { message, status, code } = /** @type {import("./api.js").CallError} */ (failure);
      const isTaken = TAKEN.test(message);
      const isMissing = status === 404 && code === "ENOENT" && /call/.test(message);
      change(file, {
        state: "failed",
        isTaken,
        error: isTaken
          ? "There is a file with this name already."
          : isMissing
            ? "Files can be uploaded if the plugin manage-imagekit is installed."
            : message,
      });
    }
  };

  /** @param {Iterable<File>} files */
  const add = (files) => {
    const added = [...files];
    if (added.length === 0) return;
    setEntries((before) => [
      ...before.filter(({ state }) => state !== "done"),
      ...added.map((file) => /** @type {Entry} */ ({ file, state: "waiting" })),
    ]);
    // One after the other: each is seen as it arrives.
    for (const file of added) turn.current = turn.current.then(() => send(file));
  };

  useEffect(() => {
    const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => dataTransfer?.types.includes("Files");
    const over = (/** @type {DragEvent} */ event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (/** @type {DragEvent} */ event) => event.relatedTarget ?? setOver(false);
    const drop = (/** @type {DragEvent} */ event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      add(event.dataTransfer?.files ?? []);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, [endpoint, folder]);

  return html`
    <input type="file" multiple hidden ref=${input} aria-label="Files to upload" onChange=${() => {
      add(input.current?.files ?? []);
      if (input.current) input.current.value = "";
    }} />
    <button type="button" class="outlined upload" onClick=${() => input.current?.click()}><${Icon} name="upload" />Upload</button>
    ${isOver && html`<div class="drop"><p>Drop files to upload them to <b>${folder || "the first folder"}</b></p></div>`}
    ${
      entries.length > 0 &&
      html`<ul class="uploads" aria-live="polite">
        ${entries.map(
          ({ file, state, error, isTaken }, at) => html`<li key=${at}>
            <span class="file-name">${file.name}</span>
            <${Pill} tone=${state === "done" ? "good" : state === "failed" ? "bad" : ""}>${TEXTS[state]}<//>
            ${error && html`<span class="bad small">${error}</span>`}
            ${isTaken && html`<button type="button" class="outlined" aria-label=${`Replace ${file.name}`} onClick=${() => send(file, true)}>Replace</button>`}
          </li>`,
        )}
      </ul>`
    }`;
}

const TEXTS = { waiting: "waiting", busy: "uploading …", done: "uploaded", failed: "not uploaded" };
