// A server's connections: who says nothing keeps nobody out, and at the end the port is free within a second.
import type { Server } from "node:http";
import type { Socket } from "node:net";

const mostSilent = 64;

/** Who connects and says nothing keeps nobody out: the longest silent one has to go. */
export function makeRoom(server: Server): void {
  const silent = new Set<Socket>();
  server.on("connection", (socket) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
    const [oldest] = silent;
    if (silent.size > mostSilent) oldest?.destroy();
  });
  server.on("request", ({ socket }) => silent.delete(socket));
}

const lingerMs = 500;

/** Lets the last answer get out, then cuts whatever is left: the port is free within a second. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.closeAllConnections();
    }, lingerMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
