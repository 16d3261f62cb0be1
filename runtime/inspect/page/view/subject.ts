// The account that is looked at: its name, where it stands, and what the facts say, as far as the moment allows.
import { h, type JSX } from "preact";
import { State } from "./mark.ts";
import type { View } from "./model.ts";
import { away, clock } from "./times.ts";
import { errorWords } from "./words.ts";

export function Subject({ view }: { readonly view: View }): JSX.Element | null {
  const { row, account, shownAt, isPast } = view;
  if (row === null) return null;
  const { expiresAt } = row;
  const facts: [string, JSX.Element | string | null][] = [
    ["usable", row.usable === null ? null : usables[row.usable]],
    ["from", account === null || account.source === "none" ? null : account.source],
    [
      expiresAt !== null && expiresAt <= shownAt ? "ended" : "ends",
      expiresAt === null ? null : time(expiresAt, shownAt),
    ],
    ["next timer", dueOf(view)],
    ["last error", account?.lastError == null ? null : errorOf(account.lastError, account)],
    ["do next", account?.nextCommand == null ? null : h("code", { class: "command" }, account.nextCommand)],
  ];
  const told = facts.filter(([, says]) => says !== null);
  return h(
    "header",
    { class: "subject" },
    h(
      "h1",
      null,
      h("span", { class: "provider" }, row.provider),
      h("span", { class: "account-name" }, row.account),
      h(State, { state: row.state, isWord: true }),
      isPast && h("span", { class: "then" }, "then"),
    ),
    told.length > 0 &&
      h(
        "dl",
        { class: "facts" },
        told.map(([name, says]) => h("div", { key: name }, h("dt", null, name), h("dd", null, says))),
      ),
  );
}

const usables = { yes: "yes", no: "no", unknown: "not known until it is renewed" } as const;

function dueOf({ row, shownAt }: View): JSX.Element | null {
  const at = row?.nextTimerAt ?? null;
  return at === null || at === row?.expiresAt ? null : time(at, shownAt);
}

/** A moment from afar and near: `in 52 min (16:00:05)` */
export function time(at: number, now: number): JSX.Element {
  return h(
    "time",
    { dateTime: new Date(at).toISOString() },
    away(at, now),
    h("span", { class: "clock" }, ` ${clock(at, now)}`),
  );
}

function errorOf(code: string, name: { readonly provider: string; readonly account: string }): JSX.Element {
  return h("span", { class: "error", title: errorWords(code, name)?.says }, code);
}
