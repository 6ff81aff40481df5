import { serve } from "@hono/node-server";
import { hls } from "@mediatap/hls";
import { Hono } from "hono";

export const videos = await hls({ path: "/videos", folder: "examples/start/media" });

const app = new Hono();
app.use(videos.hono);
app.get("/", (context) => context.html(`<video controls src="${videos.url("tour.mp4")}"></video>`));

export const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8080) });
