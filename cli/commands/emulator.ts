// `emulator`: the local server that plays the providers, in the foreground, and how to point a home folder at it.
//
// With `--home` it does the pointing itself: keys of settings.json that are not its own are kept.
import { writeFileSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { type Emulator, startEmulator } from "../../providers/emulator/index.ts";
import { usage } from "../dispatch.ts";
import { exitCodes } from "../exit-codes.ts";
import { untilInterrupted } from "../interrupts.ts";
import { portGiven } from "../numbers.ts";
import { shellWord } from "../output.ts";
import type { Context } from "../session.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["port"],
  run: async (context) => {
    const { flags, output, signal } = context;
    const port = await portGiven(flags);
    const emulator = await started(port ?? 0, (line) => {
      if (flags.verbose === true) output.say(line);
    });
    try {
      if (flags.json === true) output.json({ schema: 1, url: emulator.url, home: flags.home ?? null });
      else output.data(emulator.url);
      await (flags.home === undefined ? sayHow(context, emulator) : point(context, emulator, flags.home));
      output.say("Ctrl-C ends it.");
      await untilInterrupted(signal);
      return exitCodes.interrupted;
    } finally {
      await emulator.close();
    }
  },
};

async function started(port: number, log: (line: string) => void): Promise<Emulator> {
  try {
    return await startEmulator({ port, log });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    throw await usage(`port ${port} is not to be had (${code}); choose another, or leave --port out`);
  }
}

async function point({ output, host }: Context, emulator: Emulator, home: string): Promise<void> {
  const { providers, settingsIn } = await import("../../runtime/index.ts");
  const { providers: entries, client } = emulator.home(absolute(home));
  settingsIn(await host()).saveProviders(entries as Parameters<ReturnType<typeof settingsIn>["saveProviders"]>[0]);
  writeFileSync(client.file, `${JSON.stringify(client.content, null, 2)}\n`, { mode: 0o600 });
  const example = Object.values(providers).find(({ status }) => status.kind === "active");
  output.say(`The home ${home} uses it now. Try, in another terminal:`);
  output.say(
    `\nllxprt-auth --home ${shellWord(home)} ${example?.name ?? "status"}${example === undefined ? "" : " login"}\n`,
  );
}

async function sayHow({ output }: Context, emulator: Emulator): Promise<void> {
  const { port } = new URL(emulator.url);
  output.say("To point a home folder at it, stop this and start it with one:");
  output.say(`\nllxprt-auth emulator --port ${port} --home /tmp/llxprt-emulated\n`);
}
