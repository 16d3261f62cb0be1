// What a command of each program costs, against an empty Node process, in turns: its CPU time and how long it takes. On a busy
// machine only the first of the two holds.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { median } from "../commands.ts";
import { homeWithToken } from "../home.ts";
import { type Program, prepare, programs, type Question, questions } from "./programs.ts";
import type { Table } from "./table.ts";

const rounds = 15;
const runsARound = 3;

interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

/** @param modules folder with the programs that npm installed */
export function starting(modules: string): Table {
  const found = programs.flatMap((program) => rowOf(program, modules));
  const rows = [ours(), ...found].map(({ name, cells }) => [name].concat(questions.map((question) => cells[question])));
  return {
    title: "Starting a command",
    says: `CPU time, and in brackets the time that passes, as multiples of an empty Node process. Medians of ${rounds} pairs. A dash: there is no such command, or it asks a server.`,
    head: ["program", "token from the store", "status", "--version", "--help"],
    rows,
  };
}

interface Row {
  /** And version. */
  readonly name: string;
  readonly cells: Readonly<Record<Question, string>>;
}

function ours(): Row {
  const home = homeWithToken();
  const run = [process.execPath, resolve("dist", "llxprt-auth.cjs")];
  const environment = { HOME: home, LLXPRT_HOME: home };
  const asks = { token: ["codex", "token"], status: ["status"], version: ["--version"], help: ["--help"] };
  return row("llxprt-auth", run, asks, environment);
}

function rowOf(program: Program, modules: string): Row[] {
  const command = commandIn(program, modules);
  if (command === null) return [];
  const home = mkdtempSync(join(tmpdir(), "peer-home-"));
  prepare(home, program);
  return [row(program.name, [command], program.asks, { HOME: home })];
}

function commandIn({ npm, command }: Program, modules: string): string | null {
  const folders = npm === null ? (process.env["PATH"] ?? "").split(delimiter) : [join(modules, ".bin")];
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path)) ?? null;
}

function row(
  name: string,
  command: readonly string[],
  asks: Program["asks"],
  environment: Readonly<Record<string, string>>,
): Row {
  const told = several([...command, ...(asks.version ?? [])], environment, 1).stdout;
  const version = /\d+\.\d+[\w.]*/.exec(told)?.[0] ?? "";
  const cells = questions.map((question) => {
    const args = asks[question];
    return [question, args === null ? "–" : cell([...command, ...args], environment)] as const;
  });
  return { name: `${name} ${version}`, cells: Object.fromEntries(cells) as Row["cells"] };
}

function cell(command: readonly string[], environment: Readonly<Record<string, string>>): string {
  const empty = join(mkdtempSync(join(tmpdir(), "bench-")), "empty.cjs");
  writeFileSync(empty, "");
  const ratios = Array.from({ length: rounds }, () => {
    const [its, bare] = [cost(command, environment), cost([process.execPath, empty], environment)];
    return { cpu: its.cpu / bare.cpu, wall: its.wall / bare.wall };
  });
  const [cpu, wall] = [median(ratios.map((one) => one.cpu)), median(ratios.map((one) => one.wall))];
  return `${cpu.toPrecision(3)} (${wall.toPrecision(3)})`;
}

function cost(command: readonly string[], environment: Readonly<Record<string, string>>): Cost {
  const [wall = 0, user = 0, system = 0] = (several(command, environment).stderr.trim().split("\n").at(-1) ?? "")
    .split(" ")
    .map(Number);
  return { cpu: user + system, wall };
}

/** Some runs in a row under the shell's `time`, whose figures end what stands on standard error. */
function several(command: readonly string[], environment: Readonly<Record<string, string>>, runs = runsARound) {
  const script = `TIMEFORMAT='%3R %3U %3S'; time for i in $(seq ${runs}); do "$@" </dev/null || exit; done`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", script, "bash", ...command], {
    encoding: "utf8",
    env: { PATH: [resolve("node_modules", ".bin"), process.env["PATH"]].join(delimiter), ...environment },
  });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${String(status)}: ${stderr}`);
  return { stdout, stderr };
}
