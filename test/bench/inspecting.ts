// How long a person waits for the page of `inspect`, with 200 accounts and 10,000 records: from the command line to the first
// news, complete, and where there is a Chromium, to the first picture on its screen. Beside it, an empty process in the same run.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { enter } from "../support/visitor.ts";
import type { Figure } from "./figures.ts";
import { median } from "./commands.ts";

const accounts = 200;
const records = 10_000;
const files = 4;
const rounds = 5;
const mostMs = 1_000;
const executablePath = "/usr/bin/chromium";

export async function inspecting(): Promise<Figure[]> {
  const home = fullHome();
  const browser = existsSync(executablePath) ? await chromium.launch({ executablePath, args: ["--no-sandbox"] }) : null;
  try {
    const told: number[] = [];
    const shown: number[] = [];
    const empty: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      empty.push(emptyProcess());
      told.push(await untilNews(home));
      if (browser !== null) shown.push(await untilPicture(home, browser));
    }
    const line = (what: string, times: readonly number[]): Figure => {
      const ms = median(times);
      return {
        what,
        goal: `at most ${mostMs} ms`,
        measured: `${Math.round(ms)} ms (${(ms / median(empty)).toFixed(0)} empty)`,
        isMet: ms <= mostMs,
      };
    };
    return [
      line("inspect, to the first news", told),
      ...(browser === null ? [] : [line("inspect, to the first picture", shown)]),
    ];
  } finally {
    await browser?.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** Plainly fake logins, and what recorded journals tell, told of all of them in turn. */
function fullHome(): string {
  const home = mkdtempSync(join(tmpdir(), "bench-inspect-"));
  const oauth = join(home, "oauth");
  mkdirSync(oauth, { mode: 0o700 });
  const names = Array.from({ length: accounts }, (_, index) => `person${index}`);
  const expiry = Math.floor(Date.now() / 1000) + 3_600;
  for (const [index, name] of names.entries()) {
    const tokens = {
      access_token: `plainly-fake-${index}`,
      refresh_token: `plainly-fake-${index}`,
      expiry,
      token_type: "Bearer",
    };
    writeFileSync(join(oauth, `codex-${name}.json`), JSON.stringify(tokens), { mode: 0o600 });
  }
  const folder = join("test", "journals");
  const lines = readdirSync(folder)
    .filter((file) => file.endsWith(".jsonl"))
    .flatMap((file) => readFileSync(join(folder, file), "utf8").trim().split("\n"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const begunAt = Date.now() - records * 1_000;
  const all = Array.from({ length: records }, (_, index) => {
    const at = new Date(begunAt + index * 1_000).toISOString();
    return JSON.stringify({ ...lines[index % lines.length], at, provider: "codex", account: names[index % accounts] });
  });
  for (let file = 0; file < files; file += 1) {
    const name = file === files - 1 ? "journal.jsonl" : `journal-00000${file + 1}-00000000.jsonl`;
    const part = all.slice((file * records) / files, ((file + 1) * records) / files);
    writeFileSync(join(oauth, name), `${part.join("\n")}\n`, { mode: 0o600 });
  }
  return home;
}

function emptyProcess(): number {
  const begun = performance.now();
  spawnSync(process.execPath, ["-e", ""]);
  return performance.now() - begun;
}

/** The command as people type it. */
async function started(home: string): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const child = spawn(process.execPath, [join("dist", "llxprt-auth.cjs"), "inspect", "--no-browser"], {
    env: { ...process.env, LLXPRT_HOME: home },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { url: line.toString("utf8").trim(), child };
}

async function untilNews(home: string): Promise<number> {
  const begun = performance.now();
  const { url, child } = await started(home);
  try {
    using page = await (await enter(url)).news();
    const [first] = await page.heard(1);
    if (first?.records?.length !== records) throw new Error(`${first?.records?.length} records were told`);
    return performance.now() - begun;
  } finally {
    await ended(child);
  }
}

/** The browser runs already, as a person's does. */
async function untilPicture(home: string, browser: Browser): Promise<number> {
  const tab = await (await browser.newContext()).newPage();
  const begun = performance.now();
  const { url, child } = await started(home);
  try {
    await tab.goto(url);
    // A statechart is laid out on the screen, and so is a list of what happened.
    await Promise.all([tab.locator(".chart svg .state").last().waitFor(), tab.locator(".event").first().waitFor()]);
    return performance.now() - begun;
  } finally {
    await tab.context().close();
    await ended(child);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
