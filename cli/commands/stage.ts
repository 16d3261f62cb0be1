// Where the demo's commands are run: the real program, on a terminal that is played, with a person who is played.
//
// The commands do not know: they see a terminal, say what they say, and wait for somebody to approve. What they print goes
// to the real streams, but for the lines that only make sense on a terminal, and for the token.
import { PassThrough, Writable } from "node:stream";
import { styleText } from "node:util";
import { type Auth, createAuth, providers } from "../../runtime/index.ts";
import { createInterrupts } from "../interrupts.ts";
import { shellWord } from "../output.ts";
import type { Io } from "../terminal.ts";
import type { DemoOptions } from "./demo.ts";

/** Somebody who can approve a sign-in, as a person with a browser would. */
export interface Person {
  approve(url: string): Promise<{ readonly shown: string | null }>;
  approveDevice(userCode: string): Promise<unknown>;
}

export interface Stage {
  /** Shows a command line and runs it. */
  run(...words: string[]): Promise<void>;
  /** 0, or 1 when a command failed. */
  failures(): number;
}

const lookEveryMs = 50;

/**
 * @param home where a played person looks for sign-ins to approve
 */
export async function stageFor(io: Io, person: Person, home: string, { browser, signal }: DemoOptions): Promise<Stage> {
  const { main } = await import("../main.ts");
  let failed = 0;
  return {
    run: async (...words) => {
      signal.throwIfAborted();
      const shown = words.map((word) => (word.includes(" ") ? JSON.stringify(word) : shellWord(word))).join(" ");
      io.stdout.write(`${styleText("cyan", `$ llxprt-auth ${shown}`, { stream: io.stdout })}\n`);
      const keyboard = new PassThrough();
      const isToken = words.includes("token");
      const scene = sceneFor(io, keyboard, isToken, browser);
      const stop = (): void => {
        scene.interrupts.raiseAll();
      };
      signal.addEventListener("abort", stop);
      const leave = browser === undefined ? enterPerson(home, person, keyboard) : () => undefined;
      const code = await main(words, scene);
      leave();
      signal.removeEventListener("abort", stop);
      if (code !== 0 && words[0] !== "status") failed = 1;
      io.stdout.write("\n");
    },
    failures: () => failed,
  };
}

function sceneFor(io: Io, keyboard: PassThrough, isToken: boolean, browser: string | undefined): Io {
  const stdout = onTerminal(
    io.stdout,
    io.stdout.isTTY,
    isToken ? (text) => `(${text.trim().length} characters)\n` : null,
  );
  const stderr = onTerminal(io.stderr, true, io.stderr.isTTY ? null : withoutRewriting);
  const { DISPLAY, WAYLAND_DISPLAY, BROWSER } = io.environment;
  const environment =
    browser === undefined ? { NO_BROWSER: "1" } : { DISPLAY, WAYLAND_DISPLAY, BROWSER: browser || BROWSER };
  return {
    stdin: browser === undefined ? (Object.assign(keyboard, { isTTY: true }) as unknown as Io["stdin"]) : io.stdin,
    stdout,
    stderr,
    environment,
    interrupts: createInterrupts(),
  };
}

/** A line that is rewritten makes no sense in a file. */
function withoutRewriting(text: string): string {
  return text.startsWith("\r") ? "" : text;
}

function onTerminal(real: Io["stdout"], isTTY: boolean, change: ((text: string) => string) | null): Io["stdout"] {
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const text = chunk.toString("utf8");
      real.write(change === null ? text : change(text));
      done();
    },
  });
  const { columns, env } = { columns: real.columns, env: real };
  return Object.assign(stream, {
    isTTY,
    columns,
    getColorDepth: () => (env.isTTY ? env.getColorDepth() : 1),
  }) as unknown as Io["stdout"];
}

/** A person who approves every sign-in that comes up, and pastes what a page shows. @returns how to send them away */
function enterPerson(home: string, person: Person, keyboard: PassThrough): () => void {
  const auth: Auth = createAuth({ home });
  const seen = new Set<string>();
  const look = (): void => {
    for (const name of Object.keys(providers)) {
      const { pending } = auth.account(name).status().row;
      if (pending === null || seen.has(pending.attempt)) continue;
      seen.add(pending.attempt);
      void approve(person, pending.kind === "device" ? pending.userCode : null, pending.url, keyboard);
    }
  };
  const timer = setInterval(look, lookEveryMs);
  return () => {
    clearInterval(timer);
    void auth.close();
  };
}

async function approve(person: Person, userCode: string | null, url: string, keyboard: PassThrough): Promise<void> {
  if (userCode !== null) {
    await person.approveDevice(userCode);
    return;
  }
  const { shown } = await person.approve(url);
  if (shown !== null) keyboard.write(`${shown}\n`);
}
