// What a server sends the browser back with, taken before it reaches the listener: what an attacker has of a sign-in of his
// own, and what he would like to have of others'.
import assert from "node:assert/strict";
import type { PendingRow } from "../../runtime/status.ts";
import { visit } from "./browser.ts";
import type { Stage } from "./stage.ts";

/** The redirect of somebody who agreed. @param index of the account that was chosen */
export async function redirectOf({ emulator }: Pick<Stage, "emulator">, { url }: PendingRow, index = 0): Promise<URL> {
  const form = await (await fetch(url)).text();
  const ticket = /name="ticket" value="([^"]+)"/.exec(form)?.[1] ?? "";
  const body = new URLSearchParams({ ticket, decision: "approve", account: emulator.accounts[index] ?? "" });
  const reply = await fetch(url, { method: "POST", body, redirect: "manual" });
  await reply.body?.cancel();
  return new URL(reply.headers.get("location") ?? assert.fail("it sends nobody back"));
}

/** The same address with other parameters; null removes one. */
export function changed(address: URL, parameters: Readonly<Record<string, string | null>>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}

/** Status of the page at this address. */
export const statusAt = async (address: string | URL): Promise<number> => (await visit(String(address))).status;
