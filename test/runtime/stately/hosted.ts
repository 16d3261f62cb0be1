// A stand-in for the hosted inspector on another origin of this machine: it receives with the package's own receiver, as the
// real page does, and keeps what it got. No more is known of the real page than that.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { StatelyInspectionEvent } from "@statelyai/inspect";
import { rolldown } from "rolldown";

/** What a page of the stand-in has in its window. */
export interface Seen {
  /** By the package's receiver. */
  readonly received: readonly StatelyInspectionEvent[];
  /** Everything that was posted to it, and by whom. */
  readonly posted: readonly { readonly origin: string; readonly data: unknown }[];
}

export interface Hosted extends AsyncDisposable {
  readonly origin: string;
  /** Asks for messages and receives them. `?silent`: it does not ask. `?then=ADDRESS`: it goes there at once. */
  readonly inspect: string;
  /** What asked for a page of it, with the headers that tell where it came from. */
  readonly visits: readonly { readonly path: string; readonly referer: string | undefined }[];
}

const receiver = `
import { createBrowserReceiver } from "@statelyai/inspect";
window.received = [];
window.posted = [];
addEventListener("message", ({ origin, data }) => window.posted.push({ origin, data }));
const asked = new URLSearchParams(location.search);
if (!asked.has("silent")) createBrowserReceiver().subscribe((message) => window.received.push(message));
if (asked.has("then")) location.href = asked.get("then");
`;

let script: Promise<string> | null = null;

/** The receiver as a browser takes it. The package brings sockets along that no page of ours opens. */
async function bundled(): Promise<string> {
  const name = fileURLToPath(new URL("receiver.js", import.meta.url));
  const build = await rolldown({
    input: name,
    platform: "browser",
    treeshake: { moduleSideEffects: false },
    plugins: [
      {
        name: "receiver",
        resolveId: (id) => (id === name ? id : null),
        load: (id) => (id === name ? { code: receiver, moduleSideEffects: true } : null),
      },
    ],
  });
  const { output } = await build.generate({ format: "iife" });
  await build.close();
  return output[0].code;
}

/** @param host `localhost` or `127.0.0.1`: two sites for a browser */
export async function hosted(host: "localhost" | "127.0.0.1"): Promise<Hosted> {
  const code = await (script ??= bundled());
  const visits: { path: string; referer: string | undefined }[] = [];
  const server = createServer(({ url: path = "", headers }, response) => {
    visits.push({ path, referer: headers.referer });
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><link rel="icon" href="data:,"><title>Stand-in</title><script>${code}</script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    inspect: `${origin}/inspect`,
    visits,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
