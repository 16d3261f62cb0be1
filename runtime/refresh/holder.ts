// Who acts, and whether somebody who acted is still there. Every answer only shortens a wait or names a process in a
// message: a pid may be used again, seen from elsewhere or invented, so that nothing is ever granted because of it.
import { readFileSync, readlinkSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import type { Holder } from "../store/evidence.ts";

/** This process. @param at epoch milliseconds */
export function ourselves(at: number): Holder {
  return {
    pid: process.pid,
    startTicks: statOf("self")?.startTicks ?? null,
    pidNamespace: pidNamespace(),
    bootId: bootId(),
    uptimeMs: uptimeMs(),
    at,
  };
}

export type Presence = "here" | "stopped" | "gone" | "unknown";

/** Whether that process is still there. `unknown` for one of another machine, another start of it, or another namespace. */
export function presenceOf(holder: Holder): Presence {
  if (isOtherBoot(holder) || holder.pidNamespace !== pidNamespace()) return "unknown";
  if (holder.startTicks === null) return isSignalled(holder.pid) ? "here" : "gone";
  const now = statOf(String(holder.pid));
  return now?.startTicks === holder.startTicks ? presenceIn(now.state) : "gone";
}

/** Whether a process of this number is there, whoever it is: for one that the kernel has just named. */
export function presenceOfProcess(pid: number): Presence {
  const now = statOf(String(pid));
  if (now !== null) return presenceIn(now.state);
  return isSignalled(pid) ? "here" : "gone";
}

/** Whether a process that was there at that moment (epoch ms) still is, and its number is no other's now. */
export function isThereSince(pid: number, at: number): boolean {
  const now = statOf(String(pid));
  if (now === null) return presenceOfProcess(pid) !== "gone";
  const begunAt = Date.now() - uptimeMs() + Number(now.startTicks) * tickMs;
  return presenceIn(now.state) !== "gone" && begunAt <= at + clockSlackMs;
}

// sysconf(_SC_CLK_TCK): the same on every Linux that Node runs on.
const tickMs = 10;
/** Clocks are set now and then. */
const clockSlackMs = 2_000;

// /proc/pid/stat, field 3.
function presenceIn(state: string): Presence {
  if (state === "Z") return "gone";
  return state === "T" || state === "t" ? "stopped" : "here";
}

/** Written before this machine was started, or on another one. */
export function isOtherBoot(holder: Holder): boolean {
  const ours = bootId();
  // Where starts of the machine have no name, one that has lasted for longer than this one is another one.
  return holder.bootId !== ours || (ours === null && holder.uptimeMs > uptimeMs());
}

/** How long ago he wrote this (ms), by the uptime: for one of this start of the machine. */
export function sinceMs(holder: Holder): number {
  return uptimeMs() - holder.uptimeMs;
}

/**
 * Age of something that a holder wrote into a folder (ms). Within one start of the machine by its uptime; otherwise by the
 * clock of the folder's own disk. The wall clock, which anybody may set, is not asked.
 */
export function ageOf(holder: Holder | null, path: string, folder: string): number {
  const passed = holder === null || isOtherBoot(holder) ? -1 : sinceMs(holder);
  // A container may have an uptime of its own.
  if (passed >= 0) return passed;
  try {
    return Math.max(0, touchedAt(folder) - statSync(path).mtimeMs);
  } catch {
    return 0;
  }
}

// linux/magic.h, and the manuals of those that are not in it: disks that other machines may write to.
const sharedDisks: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x65735546, // FUSE, virtiofs
  0x01021997, // 9P
  0x00c36400, // Ceph
  0x5346414f, // AFS
  0x7461636f, // OCFS2
  0x01161970, // GFS2
  0x0bd00bd0, // Lustre
  0x786f4256, // VirtualBox
  0xbacbacbc, // VMware
]);

/** Whether other machines may see this folder. */
export function isShared(folder: string): boolean {
  try {
    return sharedDisks.has(statfsSync(folder).type >>> 0);
  } catch {
    return true;
  }
}

function touchedAt(folder: string): number {
  const path = join(folder, `.${crypto.randomUUID()}.tmp`);
  writeFileSync(path, "", { flag: "wx", mode: 0o600 });
  try {
    return statSync(path).mtimeMs;
  } finally {
    rmSync(path, { force: true });
  }
}

function uptimeMs(): number {
  return Math.round(uptime() * 1000);
}

function bootId(): string | null {
  return textIn("/proc/sys/kernel/random/boot_id");
}

function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

function statOf(pid: string): { readonly state: string; readonly startTicks: string } | null {
  const text = textIn(`/proc/${pid}/stat`);
  // proc_pid_stat(5): the name, in brackets, may hold anything; state is field 3, start time field 22.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields?.[0], fields?.[19]];
  return state === undefined || startTicks === undefined ? null : { state, startTicks };
}

function textIn(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

function isSignalled(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
