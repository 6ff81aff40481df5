import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import type { Peer } from "./peer.ts";

const PROGRAM = ["/usr/sbin/nginx", "/usr/bin/nginx"].find((path) => existsSync(path));
const MODULE = [
  "/usr/lib/nginx/modules/ngx_http_image_filter_module.so",
  "/usr/lib64/nginx/modules/ngx_http_image_filter_module.so",
].find((path) => existsSync(path));

/** nginx with image_filter, which keeps the format of the source and drops validators. */
export const nginx: Peer = {
  name: "nginx",
  ...(PROGRAM && MODULE
    ? {}
    : { missing: "not installed (Debian: apt install nginx libnginx-mod-http-image-filter)" }),
  formats: ["jpg"],
  conditions: false,
  command(media, port) {
    const folder = join(dirname(media), "nginx");
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "nginx.conf");
    writeFileSync(file, config(media, port, folder));
    return { args: [PROGRAM as string, "-c", file, "-e", join(folder, "error.log"), "-g", "daemon off;"] };
  },
  path: (photograph) => `/${photograph}`,
};

const config = (media: string, port: number, folder: string) => `
load_module ${MODULE};
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes ${availableParallelism()};
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  types { image/jpeg jpg; }
  server {
    listen 127.0.0.1:${port};
    location / {
      root ${media};
      image_filter resize 512 -;
      image_filter_jpeg_quality 80;
      image_filter_buffer 50M;
    }
  }
}
`;
