// The real program as a child process, in a throw-away home that points at an emulator.
//
// Nothing of the tester's own environment reaches it: no keys, no CI, no browser. A browser that must not be opened leaves
// a mark when it is.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Emulator } from "../../providers/emulator/index.ts";

// Members of what the program prints are what a test is about; it names the ones it expects.
export type Json = Record<string, any>;

const entry = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const person = fileURLToPath(new URL("person.ts", import.meta.url));
const countingBrowser = fileURLToPath(new URL("counting-browser.ts", import.meta.url));
export const commandLine = [process.execPath, "--conditions=development", entry] as const;

export interface Ended {
  /** Null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits until standard error has said this. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
}

export interface Circumstances {
  /** Added to the environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** On standard input, which ends then. Absent: there is none. */
  readonly input?: string;
  /** Standard input stays open and silent. */
  readonly open?: boolean;
  /** Another program of ours instead of the command. */
  readonly program?: string;
  /** In a process group of its own, which can be killed as a whole. */
  readonly group?: boolean;
}

/** A home of its own, and the program in it. */
export class House implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "llxprt-cli-test-")));
  readonly home = join(this.folder, ".llxprt");
  readonly mark = join(this.folder, "browser-was-opened");
  readonly emulator: Emulator | null;
  readonly #running = new Set<ChildProcess>();

  constructor(emulator: Emulator | null = null, settings: Json = {}) {
    this.emulator = emulator;
    mkdirSync(this.home, { mode: 0o700 });
    const { providers = {}, client } = emulator?.home(this.home) ?? {};
    if (client !== undefined) writeFileSync(client.file, JSON.stringify(client.content), { mode: 0o600 });
    this.settings({ ...settings, providers: { ...providers, ...settings["providers"] } });
  }

  settings(content: object | string): void {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(join(this.home, "settings.json"), text, { mode: 0o600 });
  }

  /** The settings as they are now. */
  get settled(): Json {
    return JSON.parse(readFileSync(join(this.home, "settings.json"), "utf8")) as Json;
  }

  tokens(name: string): Json {
    return this.read(`oauth/${name}.json`);
  }

  /** @param path from the home folder */
  read(path: string): Json {
    return JSON.parse(readFileSync(join(this.home, path), "utf8")) as Json;
  }

  plant(name: string, content: object | string): void {
    mkdirSync(join(this.home, "oauth"), { recursive: true, mode: 0o700 });
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(join(this.home, "oauth", `${name}.json`), text, { mode: 0o600 });
  }

  has(path: string): boolean {
    return existsSync(join(this.home, path));
  }

  pending(): string[] {
    return this.has("oauth/.pending") ? readdirSync(join(this.home, "oauth/.pending")) : [];
  }

  /** A browser that must not be opened. */
  get forbidden(): string {
    return `touch ${this.mark}`;
  }

  /** A browser with somebody at it who agrees, or whatever the decision is. */
  agreeing(decision = "approve"): string {
    return `"${process.execPath}" "${person}" ${decision}`;
  }

  /** A browser that is only counted. */
  get counted(): string {
    return `"${process.execPath}" "${countingBrowser}" "${this.folder}/openings"`;
  }

  /** The addresses that the counted browser was to open. */
  get openings(): string[] {
    const path = join(this.folder, "openings");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  /** What all processes did, as the journal has it. */
  get journal(): Json[] {
    const path = join(this.home, "oauth", "journal.jsonl");
    const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    return lines.map((line) => JSON.parse(line) as Json);
  }

  environment(more: Circumstances["env"] = {}): NodeJS.ProcessEnv {
    const { PATH } = process.env;
    return { PATH, HOME: this.folder, LLXPRT_HOME: this.home, TZ: "UTC", TERM: "xterm", ...more };
  }

  start(
    words: readonly string[],
    { env, input, open = false, program = entry, group = false }: Circumstances = {},
  ): Started {
    const began = performance.now();
    const child = spawn(process.execPath, ["--conditions=development", program, ...words], {
      cwd: this.folder,
      env: this.environment(env),
      detached: group,
      stdio: [input === undefined && !open ? "ignore" : "pipe", "pipe", "pipe"],
    });
    if (input !== undefined) child.stdin?.end(input);
    this.#running.add(child);
    let stdout = "";
    let stderr = "";
    const listeners = new Set<() => void>();
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      for (const tell of listeners) tell();
    });
    const ended = new Promise<Ended>((resolve) => {
      child.once("close", (code) => {
        this.#running.delete(child);
        resolve({ code, stdout, stderr, ms: performance.now() - began });
      });
    });
    return {
      child,
      ended,
      said: (pattern) =>
        new Promise((resolve, reject) => {
          const look = () => {
            const found = pattern.exec(stderr);
            if (found !== null) resolve(found);
          };
          listeners.add(look);
          look();
          void ended.then(() => reject(new Error(`It ended without saying ${pattern}: ${stderr}`)));
        }),
    };
  }

  /** Runs a command line, written as in a shell without quotes, or as words. */
  async run(line: string | readonly string[], circumstances?: Circumstances): Promise<Ended> {
    const words = typeof line === "string" ? line.split(" ").filter((word) => word !== "") : line;
    return this.start(words, circumstances).ended;
  }

  /** Within a second, however long the machine takes to start a program at the moment. */
  async inASecond(line: string, circumstances?: Circumstances): Promise<Ended> {
    const { ms } = await this.run("--version");
    const ended = await this.run(line, circumstances);
    assert.ok(ended.ms < 1000 + 4 * ms, `${line} took ${Math.round(ended.ms)} ms`);
    return ended;
  }

  /** The same, with the JSON that it must print, on one line. */
  async json(line: string, circumstances?: Circumstances): Promise<Json> {
    const { stdout } = await this.run(`${line} --json`, circumstances);
    assert.match(stdout, /^\{.*\}\n$/, `one JSON object and nothing else: ${line}`);
    const json = JSON.parse(stdout) as Json;
    assert.equal(json["schema"], 1);
    return json;
  }

  [Symbol.dispose](): void {
    // A test that failed leaves programs that wait.
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The address that stands alone on a line. */
export const addressIn = (text: string): string => {
  const address = text.split("\n").find((line) => /^https?:\/\/\S+$/.test(line));
  assert.ok(address !== undefined, `an address alone on its line: ${text}`);
  return address;
};
