import type { Embedded, Size } from "@mediatap/core";
import type { ThreadProgram, ThreadTools, TiffLayout } from "@mediatap/core/decode";
import { profileOf } from "./icc.ts";
import { type Libheif, openLibheif, type Pointer } from "./libheif.ts";

// Runs in a worker thread, with a library of its own: nothing is given back but with the thread.

export type HeifTask =
  | { readonly does: "header" | "embedded"; readonly bytes: Uint8Array }
  | {
      readonly does: "decode";
      readonly bytes: Uint8Array;
      /** Counted from 0. */
      readonly page: number;
      /** Pixels of a picture, at most. */
      readonly pixels: number;
    };

export interface HeifHeader {
  /** Of each picture, the primary one first. */
  readonly pages: readonly [Size, ...Size[]];
  readonly alpha: boolean;
  readonly depth: number;
}

/** Codes of libheif's errors (`heif_error_code`). */
const UNSUPPORTED = [3, 4];
const MEMORY = 6;

/** Before the block there is the offset of its TIFF header (ISO/IEC 23008-12 annex A.2.1). */
const EXIF = "Exif";
const EXIF_OFFSET = 4;
const MAX_EXIF_BYTES = 1024 * 1024;

const RGB = 1;
const INTERLEAVED = 10;
const CHROMA = { rgb: 10, rgba: 11 };

const program: ThreadProgram<HeifTask, HeifHeader | Embedded | Uint8Array> = (task, tools) => {
  const file = new Heif(openLibheif(tools), tools);
  if (task.does === "decode") file.limit(task.pixels);
  file.read(task.bytes);
  if (task.does === "decode") return file.decode(task.page);
  return task.does === "header" ? file.header() : file.embedded();
};

export default program;

class Heif {
  readonly #library: Libheif;
  readonly #tools: ThreadTools;
  readonly #context: Pointer;
  /** Pointer to the memory to which the library writes results. */
  readonly #error: Pointer;
  readonly #out: Pointer;

  constructor(library: Libheif, tools: ThreadTools) {
    this.#library = library;
    this.#tools = tools;
    this.#context = library._heif_context_alloc();
    this.#error = this.#allocate(16);
    this.#out = this.#allocate(16);
  }

  /** Pixels of a picture beyond which the library refuses it, whatever the header states. */
  limit(pixels: number): void {
    const limits = this.#library._heif_context_get_security_limits(this.#context);
    // `max_image_size_pixels`, of 64 bits, follows the structure's version.
    this.#word(limits + 8, Math.min(pixels, 2 ** 32 - 1));
    this.#word(limits + 12, 0);
  }

  read(bytes: Uint8Array): void {
    const data = this.#allocate(bytes.length);
    this.#library.HEAPU8.set(bytes, data);
    this.#library._heif_context_read_from_memory(this.#error, this.#context, data, bytes.length, 0);
    this.#check();
  }

  header(): HeifHeader {
    const handles = this.#handles();
    const [primary] = handles as [Pointer, ...Pointer[]];
    return {
      pages: handles.map((handle) => this.#size(handle)) as [Size, ...Size[]],
      alpha: this.#hasAlpha(primary),
      depth: Math.max(1, this.#library._heif_image_handle_get_luma_bits_per_pixel(primary)),
    };
  }

  /** What the primary picture has beside its pixels. */
  embedded(): Embedded {
    const [primary] = this.#handles() as [Pointer, ...Pointer[]];
    return { colorSpace: "rgb", ...this.#profile(primary), ...this.#exif(primary) };
  }

  /** A picture, upright, as an uncompressed TIFF with its colour profile. */
  decode(page: number): Uint8Array {
    const library = this.#library;
    const handle = this.#handles()[page];
    if (handle === undefined) return this.#tools.fail("EINVAL", "Expected a page that the file has");
    const alpha = this.#hasAlpha(handle);
    library._heif_decode_image(
      this.#error,
      handle,
      this.#out,
      RGB,
      alpha ? CHROMA.rgba : CHROMA.rgb,
      this.#options(),
    );
    this.#check();
    const image = this.#result();
    const size = {
      width: library._heif_image_get_primary_width(image),
      height: library._heif_image_get_primary_height(image),
    };
    const layout: TiffLayout = { ...size, colors: "rgb", alpha, ...this.#profile(handle) };
    const { file, pixels } = this.#tools.tiff(layout);
    const start = library._heif_image_get_plane_readonly(image, INTERLEAVED, this.#out);
    const stride = this.#result();
    const row = pixels.length / size.height;
    for (let y = 0; y < size.height; y++) {
      const from = start + y * stride;
      pixels.set(library.HEAPU8.subarray(from, from + row), y * row);
    }
    if (alpha && library._heif_image_handle_is_premultiplied_alpha(handle)) divideByAlpha(pixels);
    return file;
  }

  /** Fails if anything is missing, and returns 8 bits a sample. */
  #options(): Pointer {
    const options = this.#library._heif_decoding_options_alloc();
    // Behind version, `ignore_transformations` and four pointers: `convert_hdr_to_8bit` and `strict_decoding`.
    this.#library.HEAPU8[options + 20] = 1;
    this.#library.HEAPU8[options + 21] = 1;
    return options;
  }

  /** The pictures of the file, the primary one first. */
  #handles(): Pointer[] {
    const library = this.#library;
    const count = library._heif_context_get_number_of_top_level_images(this.#context);
    const list = this.#allocate(count * 4);
    library._heif_context_get_list_of_top_level_image_IDs(this.#context, list, count);
    const ids = [...library.HEAPU32.subarray(list / 4, list / 4 + count)];
    const handles = ids.map((id) => {
      library._heif_context_get_image_handle(this.#error, this.#context, id, this.#out);
      this.#check();
      return this.#result();
    });
    const isPrimary = (handle: Pointer) => library._heif_image_handle_is_primary_image(handle) !== 0;
    const sorted = [...handles.filter(isPrimary), ...handles.filter((handle) => !isPrimary(handle))];
    return sorted.length > 0 ? sorted : this.#tools.fail("UNIDENTIFIED", "The file contains no image");
  }

  #size(handle: Pointer): Size {
    return {
      width: this.#library._heif_image_handle_get_width(handle),
      height: this.#library._heif_image_handle_get_height(handle),
    };
  }

  #hasAlpha(handle: Pointer): boolean {
    return this.#library._heif_image_handle_has_alpha_channel(handle) !== 0;
  }

  /** The profile in the file, or one for the primaries that it names by number. */
  #profile(handle: Pointer): { profile?: Uint8Array } {
    const library = this.#library;
    const size = library._heif_image_handle_get_raw_color_profile_size(handle);
    if (size > 0) {
      const data = this.#allocate(size);
      library._heif_image_handle_get_raw_color_profile(this.#error, handle, data);
      return this.#failed() ? {} : { profile: library.HEAPU8.slice(data, data + size) };
    }
    library._heif_image_handle_get_nclx_color_profile(this.#error, handle, this.#out);
    if (this.#failed()) return {};
    const primaries = library.HEAPU32[this.#result() / 4 + 1];
    const profile = primaries === undefined ? undefined : profileOf(primaries);
    return profile ? { profile } : {};
  }

  #exif(handle: Pointer): { exif?: Uint8Array } {
    const library = this.#library;
    const type = this.#allocate(EXIF.length + 1);
    library.HEAPU8.set([...Buffer.from(EXIF), 0], type);
    const count = library._heif_image_handle_get_list_of_metadata_block_IDs(handle, type, this.#out, 1);
    if (count === 0) return {};
    const id = this.#result();
    const size = library._heif_image_handle_get_metadata_size(handle, id);
    if (size <= EXIF_OFFSET || size > MAX_EXIF_BYTES) return {};
    const data = this.#allocate(size);
    library._heif_image_handle_get_metadata(this.#error, handle, id, data);
    if (this.#failed()) return {};
    const view = new DataView(library.HEAPU8.buffer, data, size);
    const start = EXIF_OFFSET + view.getUint32(0);
    return start >= size ? {} : { exif: library.HEAPU8.slice(data + start, data + size) };
  }

  #failed = () => this.#library.HEAPU32[this.#error / 4] !== 0;

  /** Throws the error of the library. */
  #check(): void {
    const code = this.#library.HEAPU32[this.#error / 4] as number;
    if (code === 0) return;
    if (UNSUPPORTED.includes(code))
      this.#tools.fail("EUNSUPPORTED", "This kind of HEIF file is not supported");
    if (code === MEMORY) this.#tools.fail("ELIMIT", "The HEIF file is larger than it may be");
    this.#tools.fail("UNIDENTIFIED", "The source is not a readable HEIF file");
  }

  #result = () => this.#library.HEAPU32[this.#out / 4] as number;

  #word(at: Pointer, value: number): void {
    this.#library.HEAPU32[at / 4] = value;
  }

  #allocate(bytes: number): Pointer {
    const pointer = this.#library._malloc(Math.max(16, bytes));
    if (pointer === 0) throw new RangeError("Out of memory");
    return pointer;
  }
}

function divideByAlpha(pixels: Uint8Array): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3] as number;
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = at; channel < at + 3; channel++) {
      pixels[channel] = Math.min(255, Math.round(((pixels[channel] as number) * 255) / alpha));
    }
  }
}
