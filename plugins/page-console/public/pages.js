/**
 * @typedef {object} Page
 * @property {string} path below the console; the server knows every one of a single segment
 * @property {string} title
 * @property {keyof typeof import("./ui.js").ICONS} icon
 * @property {() => Promise<() => unknown>} load its component: a module that is fetched with the first visit
 */

/** The pages by groups, in the order of the navigation. */
export const GROUPS = /** @type {readonly { title: string, pages: readonly Page[] }[]} */ ([
  {
    title: "Observe",
    pages: [
      {
        path: "inspect",
        title: "Inspect",
        icon: "search",
        load: async () => (await import("./inspect.js")).Inspect,
      },
      { path: "live", title: "Live", icon: "pulse", load: async () => (await import("./live.js")).Live },
      {
        path: "failures",
        title: "Failures",
        icon: "alert",
        load: async () => (await import("./failures.js")).Failures,
      },
      { path: "usage", title: "Usage", icon: "bars", load: async () => (await import("./usage.js")).Usage },
    ],
  },
  {
    title: "Deliver",
    pages: [
      {
        path: "browse",
        title: "Browse",
        icon: "folder",
        load: async () => (await import("./browse.js")).Browse,
      },
      { path: "purge", title: "Purge", icon: "broom", load: async () => (await import("./purge.js")).Purge },
      { path: "warm", title: "Warm", icon: "flame", load: async () => (await import("./warm.js")).Warm },
      {
        path: "videos",
        title: "Videos",
        icon: "film",
        load: async () => (await import("./videos.js")).Videos,
      },
      {
        path: "builder",
        title: "URL builder",
        icon: "sliders",
        load: async () => (await import("./builder.js")).Builder,
      },
      {
        path: "transformations",
        title: "Transformations",
        icon: "layers",
        load: async () => (await import("./transformations.js")).Transformations,
      },
    ],
  },
  {
    title: "Configure",
    pages: [
      {
        path: "origins",
        title: "Origins",
        icon: "bucket",
        load: async () => (await import("./origins.js")).Origins,
      },
      {
        path: "endpoints",
        title: "Endpoints",
        icon: "link",
        load: async () => (await import("./endpoints.js")).Endpoints,
      },
      {
        path: "revisions",
        title: "Revisions",
        icon: "history",
        load: async () => (await import("./revisions.js")).Revisions,
      },
      { path: "keys", title: "Keys", icon: "key", load: async () => (await import("./keys.js")).Keys },
    ],
  },
]);
