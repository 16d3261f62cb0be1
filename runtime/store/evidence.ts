// Permits and seals as text. A permit says whose it is; a seal is a reply with its digest, so that half a write is none.
//
// A seal is written over a room of random bytes: what follows it there means nothing. Its first line is the digest of the
// rest of it, its second says how long the body is.
import { isRecord } from "./json.ts";
import type { Spent } from "./spend.ts";

/** Who acts: enough to see, from another process, that he is gone. Nothing of it ever grants anything. */
export interface Holder {
  readonly pid: number;
  /** When the process began, in ticks since the start of the machine; null: not known here. */
  readonly startTicks: string | null;
  readonly pidNamespace: string | null;
  readonly bootId: string | null;
  /** Milliseconds since the start of the machine. */
  readonly uptimeMs: number;
  /** Epoch milliseconds, for people. */
  readonly at: number;
}

/** Leave to present a refresh token. */
export interface Permit {
  readonly attempt: number;
  /** Null: it cannot be read, so that nothing is known but that it is there. */
  readonly holder: Holder | null;
  readonly of: string | null;
  /** Its process knows that it will get no reply. */
  readonly ended: boolean;
  /** How many presentations before this one died with their process. */
  readonly interrupted: number;
}

/** A reply, as it came. */
export interface Sealed {
  readonly attempt: number;
  readonly of: string;
  readonly status: number;
  readonly contentType: string | null;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  readonly issuer: string;
  readonly clientId: string;
  readonly body: string;
}

export function encodePermit({ lineage, generation, of }: Spent, permit: Permit): string {
  return `${JSON.stringify({ v: 1, lineage, generation, ...permit, of })}\n`;
}

/** Never fails: that it is there is what counts. */
export function decodePermit(content: string, attempt: number): Permit {
  const record = parsed(content);
  const holder = isRecord(record?.["holder"]) ? holderIn(record["holder"]) : null;
  const of = typeof record?.["of"] === "string" ? record["of"] : null;
  const told = record?.["interrupted"];
  const interrupted = typeof told === "number" && Number.isSafeInteger(told) && told >= 0 ? told : 0;
  return { attempt, holder, of, ended: record?.["ended"] === true, interrupted };
}

export function decodeHolder(content: string): Holder | null {
  const record = parsed(content);
  return record === null ? null : holderIn(record);
}

export function encodeSeal({ lineage, generation }: Spent, { body, ...facts }: Sealed): string {
  const size = Buffer.byteLength(body);
  const rest = `${JSON.stringify({ v: 1, lineage, generation, ...facts, size })}\n${body}`;
  return `${digestOf(Buffer.from(rest))}\n${rest}`;
}

/**
 * @param bytes the file, one character a byte
 * @param spent what it must be about: a name alone can be anybody's
 * @returns null when it is no seal, not all of one, or about something else
 */
export function decodeSeal(bytes: string, spent: Spent, attempt: number): Sealed | null {
  const first = bytes.indexOf("\n");
  const second = bytes.indexOf("\n", first + 1);
  if (first !== digestLength || second < 0) return null;
  const facts = parsed(Buffer.from(bytes.slice(first + 1, second), "latin1").toString("utf8"));
  const size = facts?.["size"];
  if (facts === null || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return null;
  const rest = Buffer.from(bytes.slice(first + 1, second + 1 + size), "latin1");
  if (rest.byteLength !== second - first + size || digestOf(rest) !== bytes.slice(0, first)) return null;
  return sealedBy(facts, spent, attempt, rest.subarray(second - first).toString("utf8"));
}

function sealedBy(facts: Record<string, unknown>, spent: Spent, attempt: number, body: string): Sealed | null {
  const { status, receivedAt, issuer, clientId } = facts;
  const { lineage, generation, of } = spent;
  const isAbout = Object.entries({ lineage, generation, of, attempt }).every(([member, is]) => facts[member] === is);
  if (!isAbout || typeof status !== "number" || typeof issuer !== "string" || typeof clientId !== "string") return null;
  if (!isMoment(receivedAt)) return null;
  return { attempt, of, status, contentType: text(facts["contentType"]), receivedAt, issuer, clientId, body };
}

const digestLength = 64;

function digestOf(bytes: Uint8Array): string {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest("hex");
}

function parsed(content: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(content);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function holderIn(record: Record<string, unknown>): Holder | null {
  const { pid, startTicks, pidNamespace, bootId, uptimeMs, at } = record;
  // Shown to people: a moment that no Date knows would break the sentence.
  if (!Number.isSafeInteger(pid) || typeof uptimeMs !== "number" || !isMoment(at)) return null;
  return {
    pid: pid as number,
    startTicks: text(startTicks),
    pidNamespace: text(pidNamespace),
    bootId: text(bootId),
    uptimeMs,
    at,
  };
}

function isMoment(value: unknown): value is number {
  return typeof value === "number" && !Number.isNaN(new Date(value).getTime());
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
