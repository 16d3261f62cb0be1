// Forwards a loopback port to a socket in the file system, or the other way: a door in the wall of a network namespace.
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net";

/** Joins a connection to another place; whichever ends, ends both. */
export function connectTo(socket: Socket, place: NetConnectOpts): void {
  const other = connect(place);
  socket.pipe(other).pipe(socket);
  for (const [one, another] of [
    [socket, other],
    [other, socket],
  ] as const) {
    one.on("error", () => another.destroy());
    one.on("close", () => another.destroy());
  }
}

const [port, path] = process.argv.slice(2);
if (process.argv[1]?.endsWith("forward.ts") === true && port !== undefined && path !== undefined)
  createServer((socket) => connectTo(socket, { path })).listen(Number(port), "127.0.0.1");
