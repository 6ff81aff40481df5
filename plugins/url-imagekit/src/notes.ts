import { type Note, printable } from "@mediatap/core";
import type { Pair } from "@mediatap/core/language";
import { MAX_DIMENSION } from "./numbers.ts";
import { isKey, KEYS, PARAMETERS } from "./parameters.ts";
import type { Address } from "./path.ts";
import { respelled } from "./respell.ts";
import { type Chain, splitParameter } from "./tokenize.ts";

/** Folders of a path, and parameters of a query, that are looked at. */
const MAX_PARTS = 10;

/** What in a URL probably does not do what its author meant. `free`: parameters that the language leaves alone. */
export function notesOf({ kind, path }: Address, free: readonly Pair[], chain: Chain): Note[] {
  return [
    ...notesOfQuery(free, chain.length > 0),
    ...notesOfDimensions(chain),
    ...(kind === "path" ? notesOfFolders(path) : []),
  ];
}

/** `?w=400`, `?tr:w-400`, `?tr=w-400&h-300`: each only tells versions of a file apart. */
function notesOfQuery(free: readonly Pair[], hasChain: boolean): Note[] {
  return free.slice(0, MAX_PARTS).flatMap(({ raw, name, rawValue }) => {
    const chain = chainIn(rawValue === "" ? name : `${name}-${rawValue}`);
    if (chain === undefined) return [];
    const right = `tr=${hasChain ? "...," : ""}${printable(chain)}`;
    return [{ text: `'${printable(raw)}' in the query has no effect, did you mean "${right}"?` }];
  });
}

/** `/w-400/x.jpg`, `/tr-w-400/x.jpg`: each is a folder. */
function notesOfFolders(path: string): Note[] {
  const folders = path.split("/").slice(0, -1);
  return folders.slice(0, MAX_PARTS).flatMap((folder) => {
    const chain = chainIn(folder);
    if (chain === undefined) return [];
    const text = `'${printable(folder)}' in the path is a folder, did you mean "tr:${printable(chain)}"?`;
    return [{ text, ifMissing: true }];
  });
}

/** Widths and heights that the language ignores. */
function notesOfDimensions(chain: Chain): Note[] {
  return chain.flat().flatMap((item) => {
    if (item.kind !== "parameter" || (item.key !== "w" && item.key !== "h")) return [];
    if (!(Number(item.value) > MAX_DIMENSION)) return [];
    const text = `'${printable(`${item.key}-${item.value}`)}' has no effect, it exceeds ${MAX_DIMENSION}`;
    return [{ text }];
  });
}

/** The chain that a text in the wrong place stands for; `undefined`: it looks like none. */
function chainIn(text: string): string | undefined {
  // Words alone are the names of most folders.
  if (text.length > 200 || !/^[A-Za-z]+[^A-Za-z]/.test(text)) return undefined;
  let isChain = true;
  const chain = text.replace(/^tr[-=_:]/, "").replace(/[^,:]+/g, (item) => {
    const right = itemIn(item);
    isChain &&= right !== undefined;
    return right ?? item;
  });
  return isChain && /^[^,:]/.test(chain) ? chain : undefined;
}

/** A parameter with its value as the language writes it. */
function itemIn(text: string): string | undefined {
  const item = splitParameter(text);
  if (isKey(item.key)) return isRight(text) ? text : undefined;
  const right = respelled(item, KEYS);
  return right !== undefined && isRight(right) ? right : undefined;
}

function isRight(text: string): boolean {
  const { key, value } = splitParameter(text);
  if (!isKey(key) || value === "") return false;
  try {
    PARAMETERS[key](value, key);
    return true;
  } catch {
    return false;
  }
}
