import { hls } from "@mediatap/hls";
import Koa from "koa";

export const videos = await hls({ path: "/videos", folder: "examples/start/media" });

const app = new Koa();
app.use(videos.koa);
app.use((context) => {
  context.body = `<video controls src="${videos.url("tour.mp4")}"></video>`;
});

export const server = app.listen(Number(process.env.PORT ?? 8080));
