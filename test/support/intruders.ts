// What somebody may put in the place of a file of ours, for the tests that see that it is not followed, not waited for and
// not changed (CWE-59, CWE-61).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, modeOf, plainTokens } from "./home.ts";

/** Puts it there. @returns a check that it, and what it leads to, are as they were */
type Intruder = (home: Home, path: string) => () => void;

export const intruders = {
  "a link to somebody's file": (home, path) => {
    const target = join(home.userHome, "theirs.json");
    writeFileSync(target, JSON.stringify(plainTokens()));
    chmodSync(target, 0o644);
    const before = readFileSync(target, "utf8");
    symlinkSync(target, path);
    return () => {
      assert.deepEqual([readFileSync(target, "utf8"), modeOf(target)], [before, "0644"]);
      assert.ok(lstatSync(path).isSymbolicLink());
    };
  },
  "a link to nothing": (home, path) => {
    const target = join(home.userHome, "nothing");
    symlinkSync(target, path);
    return () => {
      assert.ok(!existsSync(target) && lstatSync(path).isSymbolicLink());
    };
  },
  "a pipe": (_, path) => {
    execFileSync("mkfifo", ["-m", "600", path]);
    return () => {
      assert.ok(lstatSync(path).isFIFO());
    };
  },
  "a link to a device": (_, path) => {
    symlinkSync("/dev/zero", path);
    return () => {
      assert.ok(lstatSync(path).isSymbolicLink());
    };
  },
  "a folder": (_, path) => {
    mkdirSync(path);
    return () => {
      assert.ok(lstatSync(path).isDirectory());
    };
  },
} as const satisfies Readonly<Record<string, Intruder>>;
