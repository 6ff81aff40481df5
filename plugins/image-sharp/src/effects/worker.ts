import { parentPort } from "node:worker_threads";
import { likeness } from "../pixels/likeness.ts";
import { recolor } from "./recolor.ts";
import type { Samples, Task } from "./task.ts";
import { tint } from "./tint.ts";
import { bend, perspective } from "./warp.ts";

// Runs in a thread of its own: one task after the other, samples in, samples out.

parentPort?.on("message", ({ task, picture }: { readonly task: Task; readonly picture: Samples }) => {
  const done = perform(task, picture);
  parentPort?.postMessage(done, [done.data.buffer]);
});

function perform(task: Task, picture: Samples): Samples {
  switch (task.kind) {
    case "perspective":
      return perspective(picture, task.corners, task.canvas);
    case "arc":
      return bend(picture, task.arc, task.sinks);
    case "colorize": {
      const colored = inColor(picture, false);
      tint(colored, task.color, task.intensity);
      return colored;
    }
    case "likeness":
      return compare(picture);
    case "recolor": {
      const colored = inColor(picture, task.to.alpha < 1);
      recolor(colored, task.to, task.tolerance, task.from);
      return colored;
    }
  }
}

function compare({ data, width, height }: Samples): Samples {
  const half = width * height;
  const [a, b] = [data.subarray(0, half), data.subarray(half)];
  const result = new Uint8Array(8);
  new DataView(result.buffer).setFloat64(
    0,
    likeness({ data: a, width, height }, { data: b, width, height }),
    true,
  );
  return { data: result, width: result.length, height: 1, channels: 1, frames: 1 };
}

/** The picture with three channels, and a fourth where it is clear or may become so. */
function inColor(picture: Samples, clear: boolean): Samples {
  const { channels, data } = picture;
  const wanted = clear || channels === 2 || channels === 4 ? 4 : 3;
  if (channels === wanted) return picture;
  const grey = channels < 3;
  const alpha = channels === 2 || channels === 4;
  const pixels = data.length / channels;
  const wide = new Uint8Array(pixels * wanted);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = pixel * channels;
    const to = pixel * wanted;
    for (let part = 0; part < 3; part++) wide[to + part] = data[from + (grey ? 0 : part)] as number;
    if (wanted === 4) wide[to + 3] = alpha ? (data[from + channels - 1] as number) : 255;
  }
  return { ...picture, data: wide, channels: wanted };
}
