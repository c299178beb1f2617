// A server with two typical mistakes, for the tests of the checks: /text answers bytes as text, /twice answers twice.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("connection", (websocket, request) => {
  websocket.on("message", (data, isBinary) => {
    if (request.url === "/text") return websocket.send(data.toString());
    websocket.send(data, { binary: isBinary });
    websocket.send(data, { binary: isBinary });
  });
});
server.on("listening", () => console.log(`${server.address().port}`));
process.stdin.on("end", () => process.exit()).resume();
