import { createServer } from "node:http";
import { createIPX, createIPXNodeServer, ipxFSStorage } from "ipx";

const [media, port] = process.argv.slice(2);
const handle = createIPXNodeServer(createIPX({ storage: ipxFSStorage({ dir: media }) }));
createServer(handle).listen(Number(port), "127.0.0.1");
