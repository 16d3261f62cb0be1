// A long-lived process of a battery: asks the built library for a token again and again, or when it is told to.
//
// It judges nothing. It tells what it got by the channel to its parent, and ends with it.
import { pathToFileURL } from "node:url";
import type { Told, WorkerOptions } from "./processes.ts";

const { provider, minTtlMs, pauseMs, isInline = false } = JSON.parse(process.argv[2] ?? "") as WorkerOptions;
const library = pathToFileURL(process.env["BATTERY_LIBRARY"] ?? "").href;
const { createAuth, realHost } = (await import(library)) as typeof import("../../runtime/index.ts");

const auth = createAuth(isInline ? { host: { ...realHost(), launch: null } } : {});
const account = auth.account(provider);
const rested = new AbortController();
const over = new AbortController();
let known = -1;

const tell = (told: Told): void => {
  // What is cut off by the end is no failure.
  if (process.connected && !over.signal.aborted) process.send?.(told, () => undefined);
};

/** The error's code; null: a token. */
async function call(): Promise<{ code: string | null; ms: number }> {
  const began = performance.now();
  const since = () => performance.now() - began;
  try {
    const { generation, secret } = await account.token({ minTtlMs });
    if (generation !== null && generation !== known) {
      known = generation;
      tell({ kind: "got", generation, token: secret.reveal(), ms: since() });
    }
    return { code: null, ms: since() };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    tell({ kind: "failed", code, said: error instanceof Error ? (error.stack ?? "") : code, ms: since() });
    return { code, ms: since() };
  }
}

async function end(): Promise<void> {
  over.abort();
  await auth.close();
  process.exit(0);
}

process.on("message", (message) => {
  const { kind, question = 0 } = message as { readonly kind: "ask" | "rest" | "stop"; readonly question?: number };
  if (kind === "stop") void end();
  else if (kind === "rest") rested.abort();
  else void call().then((answer) => tell({ kind: "answered", question, ...answer }));
});
process.on("disconnect", () => void end());
tell({ kind: "ready" });

if (pauseMs > 0) await keepCalling();

async function keepCalling(): Promise<void> {
  while (!rested.signal.aborted && !over.signal.aborted) {
    await call();
    // Not in step with the others.
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
  }
}
