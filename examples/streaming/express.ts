import { hls } from "@mediatap/hls";
import express from "express";

export const videos = await hls({ path: "/videos", folder: "examples/start/media" });

const app = express();
app.use(videos.handler);
app.get("/", (_, response) => void response.send(`<video controls src="${videos.url("tour.mp4")}"></video>`));

export const server = app.listen(Number(process.env.PORT ?? 8080));
