// Runs inside a mount namespace: puts a small disk below the home folder, and does what it is told about it.
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { provider } from "./world.ts";
import type { Answer, Order } from "./small-disk.ts";

const home = process.argv[2] ?? "";
const oauth = join(home, "oauth");
const ballast = join(oauth, "ballast");
const entry = resolve(fileURLToPath(new URL("../../dist/llxprt-auth.cjs", import.meta.url)));

const aside = mkdtempSync(join(tmpdir(), "battery-aside-"));
cpSync(oauth, aside, { recursive: true });
mount(["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", oauth]);
cpSync(aside, oauth, { recursive: true });
rmSync(aside, { recursive: true });

function mount(words: readonly string[]): void {
  const { status, stderr } = spawnSync("mount", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function run(words: readonly string[]): Promise<Answer> {
  const child = spawn(process.execPath, [entry, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((done) => child.once("exit", (code) => setImmediate(() => done({ code, stdout, stderr }))));
}

function fill(leave: number): void {
  const file = openSync(ballast, "w");
  try {
    for (;;) {
      const { bavail, bsize } = statfsSync(oauth);
      const room = bavail * bsize - leave;
      if (room <= 0) return;
      writeSync(file, Buffer.alloc(Math.min(room, 65_536)));
    }
  } catch (error) {
    // Full.
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  } finally {
    closeSync(file);
  }
}

function expire(): void {
  const path = join(oauth, `${provider}.json`);
  const file = JSON.parse(readFileSync(path, "utf8")) as object;
  const expiry = Math.floor(Date.now() / 1000) - 10;
  writeFileSync(`${path}.edited`, JSON.stringify({ ...file, expiry }), { mode: 0o600 });
  renameSync(`${path}.edited`, path);
}

async function carryOut(order: Order): Promise<Answer> {
  const done = { code: 0, stdout: "", stderr: "" };
  if (order.kind === "run") return run(order.words);
  if (order.kind === "fill") fill(order.leave);
  if (order.kind === "free") rmSync(ballast, { force: true });
  if (order.kind === "mount") mount(["-o", `remount,${order.how}`, oauth]);
  if (order.kind === "expire") expire();
  return done;
}

process.on("message", (order) => {
  void carryOut(order as Order).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));
