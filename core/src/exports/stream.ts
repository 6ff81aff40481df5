// What languages and engines of adaptive streams share: the names of parts, and their slots in playlists.

export { partName, partOfName, slot } from "../stream/names.ts";
