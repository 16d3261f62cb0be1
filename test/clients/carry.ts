// Carries requests to the emulator and tells it whom they were for, as a hosts file would: a client can then use the
// vendor's own addresses. Not by `fetch`, which names the host itself.
import { request } from "node:http";
import type { Emulator } from "../../providers/emulator/index.ts";

export const carrier =
  ({ url: here }: Emulator): typeof fetch =>
  async (input, init) => {
    const asked = new Request(input, init);
    const { host, pathname, search } = new URL(asked.url);
    const body = Buffer.from(await asked.arrayBuffer());
    return new Promise((resolve, reject) => {
      const headers = { ...Object.fromEntries(asked.headers), host, "content-length": body.length };
      const sent = request(here + pathname + search, { method: asked.method, headers }, (reply) => {
        const parts: Buffer[] = [];
        reply.on("data", (part: Buffer) => void parts.push(part));
        reply.on("error", reject);
        reply.on("end", () => {
          const said = Object.entries(reply.headers).map(([name, value]) => [name, String(value)] as [string, string]);
          resolve(new Response(Buffer.concat(parts), { status: reply.statusCode ?? 0, headers: said }));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  };
