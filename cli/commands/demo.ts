// The whole story in two minutes: every command that is shown is really run, against the emulator, in a throw-away home.
//
// Nobody's account is needed, and none is touched: the home is removed at the end, and keys in the environment are left out
// of it. The person who approves is scripted, unless a real browser is asked for.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { styleText } from "node:util";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { providers } from "../../runtime/index.ts";
import type { Io } from "../terminal.ts";
import { type Stage, stageFor } from "./stage.ts";

export interface DemoOptions {
  /** A person approves in their own browser: the command that opens it, or empty for the usual one. */
  readonly browser: string | undefined;
  /** Ends the story early. */
  readonly signal: AbortSignal;
}

const names = Object.keys(providers) as (keyof typeof providers)[];
/** The one that is looked at more closely: its vendor still offers all of it to everybody. */
const example = names.find((name) => providers[name].status.kind === "active");
const shortLifeS = 2;
const readingMs = 700;

/** Tells the story. @returns the exit code: 0 when every command did what the story says */
export async function demo(io: Io, options: DemoOptions): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), "llxprt-auth-demo-"));
  const emulator = await startEmulator({ deviceIntervalS: 1 });
  const restore = enterHome(home, options.browser);
  try {
    settle(home, emulator);
    const stage = await stageFor(io, emulator, home, options);
    await tell(stage, io, emulator, home);
    return stage.failures();
  } finally {
    restore();
    await emulator.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function tell(stage: Stage, io: Io, emulator: Emulator, home: string): Promise<void> {
  const chapter = async (title: string, text: string): Promise<void> => {
    const isShown = io.stdout.isTTY;
    io.stdout.write(`\n${styleText("bold", title, { stream: io.stdout })}\n${text}\n\n`);
    if (isShown) await pause(readingMs);
  };

  await chapter(
    "Four providers, one program",
    `An emulator of all four listens at ${emulator.url}. The home of this demo is ${home}.\nNo account is needed, and nothing leaves this machine.`,
  );

  await chapter("1. Enabling contacts nobody", "Signing in waits until a request needs it.");
  for (const name of names) await stage.run(name, "enable");
  io.stdout.write(`Requests that the providers have seen so far: ${emulator.requests.length}\n`);

  await chapter("2. The first question signs in", "Each provider by its own way: browser, pasted code, device code.");
  for (const name of names) await stage.run(name, "ask", "Who are you?");

  await chapter("3. What is signed in", "Read from the files alone: no request, no write.");
  await stage.run("status");

  await chapter(
    "4. Tokens end and are renewed",
    `The providers now give tokens that live for ${shortLifeS} seconds. They end; the next question renews them by itself.`,
  );
  emulator.setLifetime(shortLifeS);
  for (const name of names) await stage.run(name, "refresh", "--force");
  await pause(shortLifeS * 1000 + 200);
  emulator.setLifetime(3600);
  for (const name of names) await stage.run(name, "ask", "Are you still there?");
  io.stdout.write(`${counted(emulator)}\n`);
  if (example === undefined) return;
  await stage.run(example, "token");

  await chapter("5. An API key outranks the login", "Every source has its place, and says where it comes from.");
  const keyFile = join(home, "key.txt");
  writeFileSync(keyFile, emulator.apiKeys[example], { mode: 0o600 });
  await stage.run(example, "why", "--keyfile", keyFile);
  await stage.run(example, "ask", "--keyfile", keyFile, "And with a key?");

  await chapter("6. Logging out", "Deleted here first, then revoked at the provider where that can be done.");
  for (const name of names) await stage.run(name, "logout");
  await stage.run("status");
}

function counted(emulator: Emulator): string {
  const each = names.map((name) => {
    const { refreshes, reuses } = emulator.counters(name);
    return `${name} ${refreshes} (${reuses} spent twice)`;
  });
  return `Refreshes that the providers have counted: ${each.join(", ")}`;
}

function settle(home: string, emulator: Emulator): void {
  const { providers: endpoints, client } = emulator.home(home);
  writeFileSync(client.file, JSON.stringify(client.content), { mode: 0o600 });
  writeFileSync(join(home, "settings.json"), JSON.stringify({ providers: endpoints }), { mode: 0o600 });
}

/** Makes the home ours, and hides what the person's own environment would change. @returns how to undo it */
function enterHome(home: string, browser: string | undefined): () => void {
  const before = { ...process.env };
  delete process.env["LLXPRT_AUTH_ACCOUNT"];
  for (const { keyVariables, clientSource } of Object.values(providers)) {
    for (const { name } of keyVariables) delete process.env[name];
    for (const name of [clientSource?.idVariable, clientSource?.secretVariable]) delete process.env[name ?? ""];
  }
  process.env["LLXPRT_HOME"] = home;
  if (browser !== undefined && browser !== "") process.env["BROWSER"] = browser;
  return () => {
    process.env = before;
  };
}
