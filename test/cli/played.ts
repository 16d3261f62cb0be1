// The program inside the test's own process: the same `main`, with streams that remember. For what needs no process of its
// own, because a child takes a hundred times as long to start.
import { channel } from "node:diagnostics_channel";
import { PassThrough, Writable } from "node:stream";
import { createInterrupts } from "../../cli/interrupts.ts";
import { main } from "../../cli/main.ts";
import type { Io } from "../../cli/terminal.ts";

/** For whoever searches what a whole run of the tests printed. */
const printed = channel("llxprt-auth:test:printed");

export interface Played {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Scene {
  readonly environment?: Io["environment"];
  /** On standard input, which ends then. Null: it stays open and silent. Default: nothing. */
  readonly input?: string | null;
}

/** Runs a command line without a terminal. */
export async function play(words: readonly string[], { environment = {}, input = "" }: Scene = {}): Promise<Played> {
  const [stdin, stdout, stderr] = [new PassThrough(), remembering(), remembering()];
  if (input !== null) stdin.end(input);
  const code = await main(words, {
    stdin: stdin as unknown as Io["stdin"],
    stdout: stdout as unknown as Io["stdout"],
    stderr: stderr as unknown as Io["stderr"],
    environment,
    interrupts: createInterrupts(),
  });
  printed.publish({ words, text: stdout.text() + stderr.text() });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

export function remembering(): Writable & { text(): string } {
  let text = "";
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString("utf8");
      done();
    },
  });
  return Object.assign(stream, { text: () => text });
}
