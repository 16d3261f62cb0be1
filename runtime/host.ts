// Everything that is borrowed from the outside: clock, randomness, environment, folders, browser.
// Tests pass their own through this one door; nothing else in the runtime reaches around it.
import { watch } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { AuthError } from "../machines/errors.ts";
import type { Launched } from "./launch.ts";
import type { Sender } from "./wire/send.ts";

export interface Host {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds by a clock that nobody sets, and that goes on while the machine sleeps. */
  readonly monotonic: () => number;
  /** Cryptographically strong. */
  readonly randomBytes: (size: number) => Uint8Array;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly userHome: string;
  /** Ours: `--home`, `LLXPRT_HOME`, or `~/.llxprt`. */
  readonly home: string;
  /** Opens a page for a person. Rejects when there is no browser; that is never fatal. */
  readonly openBrowser: (url: string) => Promise<void>;
  /**
   * Starts work of ours in a process that outlives this one (`background.ts`). Null, as itself or as its answer: that is
   * not possible here, and the work is done in this process.
   */
  readonly launch: ((task: readonly string[], keep: readonly string[]) => Promise<Launched | null>) | null;
  /**
   * Tells the name of whatever changes in a folder; null when that is not known, or when nothing more will be told. Keeps
   * no process alive. @returns how to stop. @throws what the system says when it cannot watch the folder
   */
  readonly watchFolder: (folder: string, tell: (name: string | null) => void) => () => void;
  /** The way to the network; absent: `wire/send.ts`. */
  readonly sender?: Sender | undefined;
}

/** The real outside. @param home replaces `LLXPRT_HOME`. @throws AuthError `home_missing` */
export function realHost({
  home: named,
  browser,
}: { home?: string | undefined; browser?: string | undefined } = {}): Host {
  const environment = process.env;
  const home = homeFolder(environment, named);
  return {
    now: Date.now,
    monotonic,
    randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
    environment,
    userHome: userHome(home),
    home,
    openBrowser: async (url) => {
      const { openBrowser } = await import("./login/browser.ts");
      await openBrowser(url, browser ?? environment["BROWSER"]);
    },
    launch: async (task, keep) => {
      const { launch } = await import("./launch.ts");
      return launch(task, environment, keep);
    },
    watchFolder,
  };
}

// Linux counts timers in a clock that stands still during sleep; that of its uptime does not (clock_gettime(2)).
function monotonic(): number {
  return process.platform === "linux" ? process.getBuiltinModule("node:os").uptime() * 1000 : performance.now();
}

/** As the system tells it (inotify, FSEvents, …). */
function watchFolder(folder: string, tell: (name: string | null) => void): () => void {
  const watcher = watch(folder, { persistent: false }, (_, name) => {
    tell(name);
  });
  watcher.on("error", () => {
    tell(null);
  });
  return () => {
    watcher.close();
  };
}

/**
 * The user's home folder; where nobody knows it, ours. Node's os is loaded when it is asked: printing a stored token may do
 * without. @param home ours
 */
export function userHome(home: string): string {
  return knownHome() ?? home;
}

/** By HOME, or else by the system's list of users. An empty or relative HOME is none: it would mean the current folder. */
function knownHome(): string | null {
  const { homedir, userInfo } = process.getBuiltinModule("node:os");
  for (const find of [homedir, () => userInfo().homedir]) {
    try {
      const found = find();
      if (isAbsolute(found)) return found;
    } catch {
      // In a container, a user need not be on any list.
    }
  }
  return null;
}

/** Our home folder, by flag or environment. @throws AuthError `home_missing` */
export function homeFolder(environment: Host["environment"], flag?: string): string {
  const named = flag ?? environment["LLXPRT_HOME"];
  if (named !== undefined && named !== "") return resolve(named);
  const known = knownHome();
  if (known === null) throw new AuthError("home_missing");
  return join(known, ".llxprt");
}

/** A path as people write it in settings: `~` is the user's home folder. */
export function expandHome(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path;
}
