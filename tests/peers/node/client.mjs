// Node's `ws` as a client: commands come as JSON lines on stdin, what happens goes out as JSON lines on stdout.
// tests/peers/README.md lists both.
import { createInterface } from "node:readline";
import WebSocket from "ws";

const MAX_MESSAGE_BYTES = 2 ** 20;
const tell = (event) => console.log(JSON.stringify(event));
let socket;

const commands = {
  connect({ url, origin }) {
    socket = new WebSocket(url, { origin, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
    socket.on("open", () => tell({ event: "open" }));
    socket.on("message", (data, isBinary) =>
      tell(isBinary ? { event: "binary", hex: data.toString("hex") } : { event: "text", text: data.toString() }),
    );
    socket.on("ping", (data) => tell({ event: "ping", hex: data.toString("hex") }));
    socket.on("pong", (data) => tell({ event: "pong", hex: data.toString("hex") }));
    socket.on("unexpected-response", (_request, { statusCode }) => {
      tell({ event: "refused", status: statusCode });
      socket.removeAllListeners("close").terminate(); // there was no connection that could close
    });
    socket.on("error", () => {}); // a "close" follows, and says what was on the wire
    // 1005: a close frame without a code came; 1006: none came.
    socket.on("close", (code, reason) => tell({ event: "close", code, reason: reason.toString() }));
  },
  text: ({ text }) => socket.send(text),
  binary: ({ hex }) => socket.send(Buffer.from(hex, "hex")),
  fragments({ parts }) {
    parts.forEach((part, index) => socket.send(part, { fin: index === parts.length - 1 }));
  },
  ping: ({ hex }) => socket.ping(Buffer.from(hex, "hex")),
  close: ({ code, reason }) => socket.close(code, reason),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...details } = JSON.parse(line);
  commands[name](details);
}
process.exit(0);
