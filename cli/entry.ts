// What the installed command runs first. It is bundled as CommonJS, which starts faster than an ES module, and it must
// parse on any Node, so that one that is too old is told in a sentence.
import { fstatSync, statSync, writeSync } from "node:fs";
import { fast } from "./fast.ts";

const floor = [22, 19] as const;

function isTooOld(node: string): boolean {
  const [major = 0, minor = 0] = node.split(".").map(Number);
  return major < floor[0] || (major === floor[0] && minor < floor[1]);
}

/** A terminal, or what looks like one. Asking node:tty would load more than all of this does. */
function isTerminal(descriptor: number): boolean {
  const device = fstatSync(descriptor);
  return device.isCharacterDevice() && device.rdev !== statSync("/dev/null", { throwIfNoEntry: false })?.rdev;
}

function start(): void {
  const argv = process.argv.slice(2);
  if (isTooOld(process.versions.node)) {
    process.stderr.write(`llxprt-auth needs Node ${floor.join(".")} or newer; this is ${process.versions.node}\n`);
    process.exitCode = 1;
    return;
  }
  const answer = fast(argv, process.env, () => isTerminal(1));
  if (answer instanceof Promise) void answer.then((text) => finish(text, argv));
  else finish(answer, argv);
}

function finish(answer: string | null, argv: readonly string[]): void {
  if (answer === null) void import("./main.ts").then(({ run }) => run(argv));
  else print(Buffer.from(answer));
}

/** Not by process.stdout, which takes longer to set up than all the rest, but for what a pipe does not take at once. */
function print(bytes: Uint8Array): void {
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(1, bytes, done);
  } catch {
    // It waits for a pipe that is full, and says no more than that it failed of one that nobody reads, or of a full disk.
    process.stdout.on("error", () => (process.exitCode = 1)).write(bytes.subarray(done));
  }
}

start();
