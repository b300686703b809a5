/**
 * A web server that says who it is and whom it sees: `node echo-server.mjs PORT NAME`, IPv4 and IPv6.
 * @module
 */
import { createServer } from "node:http";

const [port, name] = process.argv.slice(2);

createServer((request, response) => {
  const address = request.socket.remoteAddress?.replace(/^::ffff:/, "");
  response.end(`${name} sees ${address}\n`);
}).listen(Number(port), "::", () => process.stdout.write("listening\n"));
