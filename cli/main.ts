// argv → command → exit code, and the only place that ends the process.
//
// Ctrl-C gives back port and terminal within a second: what runs is told, is given 900 ms (a refresh under way is worth
// that much), and is left behind otherwise. Every way out passes through one report, so that scripts can rely on it.
import manifest from "../package.json" with { type: "json" };
import { asksForJson, type Line, parseLine } from "./arguments.ts";
import { commands } from "./commands/index.ts";
import { choose, mistakeIn, noSuchProvider, usage } from "./dispatch.ts";
import { exitCodes } from "./exit-codes.ts";
import { failureOf, traceOf } from "./failure.ts";
import { type Carried, type Context, createContext } from "./session.ts";
import { createOutput, inHome, report, shellWord } from "./output.ts";
import { type Io, processIo } from "./terminal.ts";

const graceMs = 900;

/** Runs a command line and ends the process. */
export async function run(argv: readonly string[]): Promise<never> {
  const io = processIo();
  process.on("SIGINT", () => {
    if (!io.interrupts.raise()) process.exit(exitCodes.interrupted);
  });
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      io.interrupts.raiseAll();
    });
  }
  // Who reads the answer may go away: `… | head -1` is no failure.
  io.stdout.on("error", () => process.exit(exitCodes.failed));
  io.stderr.on("error", () => undefined);
  const code = await main(argv, io);
  // A full disk: what was asked for is not where it was to be.
  process.exit(io.stdout.errored == null ? code : exitCodes.failed);
}

/** Runs a command line. @param carried keys and profile of a shell around it @returns the exit code */
export async function main(argv: readonly string[], io: Io, carried: Carried = {}): Promise<number> {
  const turn = io.interrupts.begin();
  const output = createOutput(io);
  let home: string | undefined;
  let from: string | undefined;
  let verbose = false;
  try {
    if (isHelpAlone(argv)) return await sayOverview(io);
    const line = await parseLine(argv);
    if (typeof line === "string") throw await usage(line);
    ({ home, from, verbose = false } = line.flags);
    return await inTime(carryOut(line, io, turn.signal, carried), turn.signal);
  } catch (error) {
    const json = asksForJson(argv);
    if (turn.signal.aborted) {
      if (json) report(output, { code: "interrupted", message: "Interrupted", next: null }, json);
      return exitCodes.interrupted;
    }
    if (verbose && error instanceof Error) output.say(traceOf(error));
    const { code, message, next, exitCode } = await failureOf(error);
    // The next command has to find the same home, and to be about the same file.
    const file =
      from !== undefined && next?.startsWith("llxprt-auth import ") === true ? ` --from ${shellWord(from)}` : "";
    report(output, { code, message, next: next === null ? null : inHome(next + file, { home }) }, json);
    return exitCode;
  } finally {
    turn.end();
  }
}

/** Asked by people who have nothing yet, and by shells: the parser would take longer than all the rest. */
function isHelpAlone([first, ...others]: readonly string[]): boolean {
  return others.length === 0 && (first === "--help" || first === "-h");
}

async function sayOverview({ stdout }: Io): Promise<number> {
  const { overview } = await import("./help.ts");
  stdout.write(overview());
  return exitCodes.done;
}

async function carryOut(line: Line, io: Io, signal: AbortSignal, carried: Carried): Promise<number> {
  const { flags, words } = line;
  if (flags.version === true) {
    io.stdout.write(`${manifest.version}\n`);
    return exitCodes.done;
  }
  const choice = await choose(words);
  if (flags.help === true) {
    const { helpFor, overview } = await import("./help.ts");
    // `<p> --help` asks what can be done with it, not what the bare name does.
    const isAboutOne = words.length > (choice.provider === "" ? 0 : 1);
    io.stdout.write(isAboutOne ? helpFor(choice.listed, choice.command) : overview());
    return exitCodes.done;
  }
  const mistake = mistakeIn(choice, line);
  if (mistake !== null) throw await usage(mistake);
  const context = createContext({
    io,
    flags,
    provider: choice.provider || (flags.provider ?? "").toLowerCase(),
    words: choice.words,
    signal,
    carried,
  });
  try {
    if (context.provider !== "") await checkProvider(context);
    return await choice.command.run(context);
  } finally {
    context.output.waiting(null);
    await context.close();
  }
}

/** Knows commands, too: what was meant may be one of them. @throws AuthError `unknown_provider` */
async function checkProvider({ auth, provider }: Context): Promise<void> {
  const { providers } = await auth();
  if (providers.has(provider)) return;
  throw await noSuchProvider(provider, [...providers.keys()], Object.keys(commands));
}

/** The work's end, or that it was interrupted: then it is given a moment. */
async function inTime(work: Promise<number>, signal: AbortSignal): Promise<number> {
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener(
      "abort",
      () => {
        setTimeout(() => {
          reject(signal.reason);
        }, graceMs).unref();
      },
      { once: true },
    );
  });
  const code = await Promise.race([work, interrupted]);
  // Who serves until Ctrl-C has given its answer: such an end is no error.
  if (code !== exitCodes.interrupted) signal.throwIfAborted();
  return code;
}

// Not awaited: the shell imports this module again, and would wait for itself.
if (import.meta.main) void run(process.argv.slice(2));
