/**
 * The pictures and the video on the start page, each with the transformation that it is shown with; the first picture is in the editor.
 * Authors: `media/CREDITS.md`.
 */
export const samples = [
  {
    path: "dandelion.jpg",
    title: "Dandelions at sunset",
    credit: "Clemens Engelhardt, CC0 1.0",
    transformation: "w-720,ar-3-2,fo-left",
  },
  {
    path: "fig.jpg",
    title: "A fig in a bowl",
    credit: "Trevor “Freespace”, CC BY 4.0",
    transformation: "w-480,h-320,fo-auto",
  },
  {
    path: "dogs.jpg",
    title: "Two dogs at a window",
    credit: "Aitzol Berasategi, CC BY 4.0",
    transformation: "w-480,ar-3-2",
  },
  {
    path: "stream.jpg",
    title: "A stream in the woods",
    credit: "Aitzol Berasategi, CC BY 4.0",
    transformation: "w-480,h-320,q-50",
  },
  {
    path: "brushes.jpg",
    title: "Paint brushes",
    credit: "Trevor “Freespace”, CC BY 4.0",
    transformation: "w-480,h-320,fo-top",
  },
  {
    path: "mountains.jpg",
    title: "Picos de Europa",
    credit: "Aitzol Berasategi, CC BY 4.0",
    transformation: "w-480,h-320,f-webp",
  },
  {
    path: "zoom.webp",
    title: "An animation stays one",
    credit: "after Clemens Engelhardt, CC0 1.0",
    transformation: "w-480,h-320",
  },
  {
    path: "logo.png",
    title: "Padded, on a colour",
    credit: "Mediatap, Apache-2.0",
    transformation: "w-480,h-320,cm-pad_resize,bg-E7F3F0",
  },
  {
    path: "tour.mp4",
    title: "Three photographs, moving",
    credit: "after Aitzol Berasategi, CC BY 4.0, and Clemens Engelhardt, CC0 1.0",
    transformation: "sr-240_360_720",
  },
];
