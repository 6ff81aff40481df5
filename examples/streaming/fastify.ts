import { hls } from "@mediatap/hls";
import fastify from "fastify";

export const videos = await hls({ path: "/videos", folder: "examples/start/media" });

const app = fastify();
app.register(videos.fastify);
app.get("/", async (_, reply) =>
  reply.type("text/html").send(`<video controls src="${videos.url("tour.mp4")}"></video>`),
);

await app.listen({ port: Number(process.env.PORT ?? 8080) });
export const { server } = app;
