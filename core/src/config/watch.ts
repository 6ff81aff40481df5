import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";

/** Milliseconds without a change before files are read again: editors write in several steps. */
const DEBOUNCE_MS = 100;

/** Watches files, also ones that are replaced by others or are links that change; `files` is asked after each change. */
export function watchFiles(files: () => readonly string[], onChange: () => void): { close(): void } {
  let watchers: FSWatcher[] = [];
  let folders = "";
  let seen = signature(files());
  let timer: NodeJS.Timeout | undefined;

  function schedule(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const now = signature(files());
      const isChanged = now !== seen;
      seen = now;
      if (isChanged) onChange();
      watchFolders();
    }, DEBOUNCE_MS);
  }

  /** Folders are watched, not files: a file that is replaced takes its watcher along. */
  function watchFolders(): void {
    const wanted = [...new Set(files().map((file) => dirname(file)))].sort();
    if (wanted.join("\n") === folders) return;
    folders = wanted.join("\n");
    for (const watcher of watchers) watcher.close();
    watchers = wanted.map((folder) => watch(folder, { persistent: false }, schedule).on("error", () => {}));
  }

  watchFolders();
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function signature(files: readonly string[]): string {
  const found = files.map((file) => statSync(file, { throwIfNoEntry: false }));
  return found.map((stats) => (stats ? `${stats.ino}:${stats.size}:${stats.mtimeMs}` : "none")).join(" ");
}
