// Node's `ws` as a peer: /echo and /broadcast as tests/peers/README.md has them.
//
// One thread runs everything, so a plain Set holds the members and needs no lock. Two things that many examples leave
// out are what keeps it alive: a listener for "error" on every socket (an error that nobody listens for ends the whole
// process) and a look at what waits (send() never does: what a slow reader does not take stays in our memory).
import { once } from "node:events";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const MAX_MESSAGE_BYTES = 2 ** 20;
const MAX_WAITING_BYTES = 16 * MAX_MESSAGE_BYTES;
const MAX_WAITING_MESSAGES = 2 ** 14; // each costs some hundred bytes of memory, however short it is
// Any page may open a WebSocket to this machine, and the browser says only where the page is from (RFC 6455, 10.2).
const LOCAL_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

const members = new Set();
const paths = new Map([
  ["/echo", echo],
  ["/broadcast", broadcast],
]);

function echo(socket) {
  socket.on("message", (data, isBinary) => answer(socket, data, isBinary));
}

function broadcast(socket) {
  members.add(socket);
  // "close" comes after every end: a closing handshake, an error, a client that vanished.
  socket.on("close", () => members.delete(socket));
  socket.on("message", (data, isBinary) => {
    if (!isBinary && data.toString() === "count") answer(socket, String(members.size), false);
    else for (const member of members) pass(member, data, isBinary);
  });
}

// A client that asks and never reads is not read from either until it has taken what it asked for.
function answer(socket, data, isBinary) {
  send(socket, data, isBinary);
  if (isFull(socket)) socket.pause();
}

// Slow readers are cut off: a close frame would only queue up behind what they do not read.
function pass(member, data, isBinary) {
  if (!isFull(member)) return send(member, data, isBinary);
  members.delete(member);
  member.terminate();
}

function send(socket, data, isBinary) {
  socket.waiting = (socket.waiting ?? 0) + 1;
  socket.send(data, { binary: isBinary }, () => {
    socket.waiting -= 1;
    socket.resume();
  });
}

function isFull(socket) {
  return socket.bufferedAmount > MAX_WAITING_BYTES || socket.waiting > MAX_WAITING_MESSAGES;
}

const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES }); // answers pings, echoes closes
const server = createServer((request, response) => {
  if (!paths.has(pathOf(request))) return response.writeHead(404, { Connection: "close" }).end();
  response.writeHead(426, { Connection: "close, Upgrade", Upgrade: "websocket" }).end(); // RFC 9110, 15.5.22
});

server.on("upgrade", (request, stream, head) => {
  stream.on("error", () => stream.destroy()); // until ws takes over, the error of a vanishing client is ours
  const { origin } = request.headers;
  const talk = paths.get(pathOf(request));
  if (!talk) return refuse(stream, "404 Not Found");
  if (origin !== undefined && !LOCAL_ORIGIN.test(origin)) return refuse(stream, "403 Forbidden");
  sockets.handleUpgrade(request, stream, head, (socket) => {
    socket.on("error", () => {}); // ws closes the connection itself, with 1009 where a message is too big
    talk(socket);
  });
});

function pathOf(request) {
  return request.url.split("?", 1)[0];
}

function refuse(stream, status) {
  stream.once("finish", () => stream.destroy()); // end() alone leaves it open as long as the client does
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const { port } = parseArgs({ options: { port: { type: "string", default: "0" } } }).values;
await once(server.listen(Number(port), "127.0.0.1"), "listening");
console.log(`${server.address().port}`); // a string: Node colours numbers where FORCE_COLOR is set, as in Jupyter

// Whoever started this server holds its stdin: when that closes, nobody needs the server any more.
process.stdin.on("end", () => process.exit(0)).resume();
