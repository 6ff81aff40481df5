import { slug } from "./assemble.ts";
import { sectionsOf } from "./pages.ts";

const sections = sectionsOf();
const base = process.env.DOCS_BASE ?? "/";

/** Settings of VitePress (https://vitepress.dev/reference/site-config). */
export default {
  title: "Mediatap",
  description: "A self-hosted media server: images and videos, rendered on demand from their URL",
  lang: "en",
  base,
  head: [["link", { rel: "icon", href: `${base}logo.svg` }]],
  // Only a reader who runs the server has these.
  ignoreDeadLinks: [/^https?:\/\/localhost/],
  markdown: { anchor: { slugify: slug }, languageAlias: { promql: "sql" } },
  vite: { build: { chunkSizeWarningLimit: 4096 } },
  themeConfig: {
    logo: "/logo.svg",
    nav: [
      { text: "Start", link: "/introduction" },
      { text: "Guides", link: "/guides/s3-behind-a-cdn" },
      { text: "URL parameters", link: "/reference/url-parameters" },
      { text: "Reference", link: "/reference/configuration" },
      { text: "Comparison", link: "/guides/comparison" },
    ],
    sidebar: sections.map(({ title, pages }, at) => ({
      text: title,
      collapsed: at > 2,
      items: pages.map((page) => ({ text: page.title, link: `/${page.route}` })),
    })),
    outline: [2, 3],
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: "https://github.com/mediatap/mediatap" }],
    footer: { message: "Apache-2.0" },
  },
};
