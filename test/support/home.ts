// A throw-away home folder for one test, and what a runtime borrows from the outside: a clock that can be moved, an
// environment without the tester's own keys, and a browser that must not be opened.
import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, realHost } from "../../runtime/host.ts";
import { defaultAccount, pathsIn } from "../../runtime/store/names.ts";

// Members of a file are what a test is about; it names the ones it expects.
export type Json = Record<string, any>;

export class Home implements Disposable {
  /** Stands for the person's home folder. */
  readonly userHome: string;
  readonly paths: ReturnType<typeof pathsIn>;
  /** Milliseconds that have passed here and nowhere else, as if this home had slept for so long. */
  ahead = 0;
  /** Milliseconds by which the wall clock alone was set, ahead or back. */
  set = 0;

  /** @param parent the folder in which it is made */
  constructor(parent = tmpdir()) {
    this.userHome = realpathSync(mkdtempSync(join(parent, "llxprt-auth-test-")));
    this.paths = pathsIn(join(this.userHome, ".llxprt"));
  }

  readonly now = (): number => Date.now() + this.ahead + this.set;

  /** An outside without a browser. @param changes what is different about it */
  host(changes: Partial<Host> = {}): Host {
    return {
      now: this.now,
      monotonic: () => performance.now() + this.ahead,
      randomBytes: (size) => randomBytes(size),
      environment: {},
      userHome: this.userHome,
      home: this.paths.home,
      launch: null,
      watchFolder: realHost().watchFolder,
      openBrowser: (url) => assert.fail(`nobody may open a browser here, and least of all at ${new URL(url).origin}`),
      ...changes,
    };
  }

  file(provider: string, account = defaultAccount): string {
    return this.paths.tokenFile({ provider, account });
  }

  /** Writes a token file as some other program would. */
  plant(provider: string, content: string | Buffer | object, mode = 0o600, account = defaultAccount): string {
    mkdirSync(this.paths.oauth, { recursive: true, mode: 0o700 });
    const path = this.file(provider, account);
    const plain = typeof content === "string" || Buffer.isBuffer(content);
    writeFileSync(path, plain ? content : JSON.stringify(content), { mode });
    return path;
  }

  settings(content: object | string): void {
    mkdirSync(this.paths.home, { recursive: true, mode: 0o700 });
    writeFileSync(this.paths.settings, typeof content === "string" ? content : JSON.stringify(content), {
      mode: 0o600,
    });
  }

  read(path: string): Json {
    return JSON.parse(readFileSync(path, "utf8")) as Json;
  }

  tokens(provider: string, account = defaultAccount): Json {
    return this.read(this.file(provider, account));
  }

  /** Absolute paths of the records of sign-ins under way. */
  pending(): string[] {
    return this.list(this.paths.pending);
  }

  list(folder: string): string[] {
    try {
      return readdirSync(folder).map((name) => join(folder, name));
    } catch {
      return [];
    }
  }

  /** Every file below our folder. */
  files(): string[] {
    return readdirSync(this.paths.home, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  }

  [Symbol.dispose](): void {
    rmSync(this.userHome, { recursive: true, force: true });
  }
}

/** Permission bits in octal, as people write them. */
export const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8).padStart(4, "0");

/** A token file as llxprt-code wrote it, alive for an hour. */
export function plainTokens(now = Date.now(), changes: Json = {}): Json {
  return {
    access_token: "planted-access-token-0123456789",
    refresh_token: "planted-refresh-token-0123456789",
    expiry: Math.floor(now / 1000) + 3600,
    token_type: "Bearer",
    scope: "read write",
    ...changes,
  };
}
