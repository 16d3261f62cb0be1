// Starting work in a process of its own: in its own session, so that neither Ctrl-C, a closed terminal nor a killed process
// group reaches it, with nothing of ours open but one pipe, and with no more of the environment than it needs.
//
// It gets names only, and reads tokens itself. What it says at its end is a courtesy to whoever still listens.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

export interface Launched {
  /** What it said at its end; empty when it ended without a word. Rejects when it could not be started. */
  readonly said: Promise<string>;
}

/** Where the files of this program are: as sources, in the library, in the bundled command. */
const places = ["./background.ts", "./background.mjs", "../background.mjs"];

/** @param keep names of variables that the work needs besides the usual ones @returns null: not possible here */
export function launch(
  task: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  keep: readonly string[],
): Launched | null {
  const entry = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
  // In another program's bundle our file is not there.
  if (entry === undefined) return null;
  const child = spawn(process.execPath, [entry, ...task], {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    env: {
      ...passedOn(environment, keep),
      // Where execPath is a program with Node inside, this makes it Node.
      ...(process.versions["electron"] === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" }),
    },
    cwd: "/",
    windowsHide: true,
  });
  // Before anything else: an error that nobody hears would end this process.
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  child.unref();
  const pipe = child.stdio?.[3] as (Readable & { unref?: () => void }) | undefined;
  // Too many files are open for a pipe: the error comes at once.
  if (pipe === undefined) return { said: failed };
  pipe.unref?.();
  return { said: Promise.race([text(pipe), failed]) };
}

const proxies = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];
const certificates = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];
const usual = [
  "HOME",
  "USERPROFILE",
  "SystemRoot",
  "TMPDIR",
  "TEMP",
  "TMP",
  ...proxies,
  ...proxies.map((name) => name.toLowerCase()),
  // Says that `HTTP_PROXY` is not to be believed.
  "REQUEST_METHOD",
  ...certificates,
  "NODE_USE_ENV_PROXY",
  "NODE_USE_SYSTEM_CA",
];

/** What the other process is told of the environment. It begins in another folder, so paths are made whole. */
function passedOn(
  environment: Readonly<Record<string, string | undefined>>,
  keep: readonly string[],
): Record<string, string> {
  const named = [...usual, ...keep].flatMap((name) => {
    const value = environment[name];
    if (value === undefined) return [];
    return [[name, certificates.includes(name) && value !== "" ? resolve(value) : value]];
  });
  return Object.fromEntries(named) as Record<string, string>;
}
