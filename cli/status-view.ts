// How the rows of `status` look. Pure text from rows and the moment; loads nothing, so that anybody may use it.
import type { AuthError, Status, StatusRow } from "../runtime/index.ts";
import { moment, relative } from "./when.ts";

/** Colours a text, or leaves it as it is. */
export type Paint = (style: "red" | "green" | "bold" | "dim", text: string) => string;

/** The status of an account that its provider refused just now: what the files say does not matter any more. */
export function judged(status: Status, refusal: AuthError | undefined): Status {
  if (refusal === undefined) return status;
  const row = { ...status.row, usable: "no", lastError: refusal.code, nextCommand: refusal.next } as const;
  return { ...status, row, exitCode: refusal.exitCode };
}

/** What `--json` prints (contract, section 7). */
export function jsonOf(home: string, statuses: readonly Status[]): object {
  return { schema: 1, home, providers: statuses.map(({ row }) => row) };
}

/** One line for each account, under a line of headings. */
export function tableOf(statuses: readonly Status[], now: number, paint: Paint): string {
  const rows = statuses.map(({ row }) => row);
  const isSomebodyKnown = rows.some(({ identity }) => identity !== null);
  const headings = ["", "provider", "state", "expires", "by", "OAuth", ...(isSomebodyKnown ? ["who"] : [])];
  const cells = rows.map((row) => [
    markOf(row),
    nameOf(row),
    row.state,
    expiryOf(row, now),
    methodOf(row),
    row.enabled ? "on" : "off",
    ...(isSomebodyKnown ? [row.identity ?? ""] : []),
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const line = (texts: readonly string[]): string[] => texts.map((text, column) => text.padEnd(widths[column] ?? 0));
  const head = paint("dim", line(headings).join("  ").trimEnd());
  const body = cells.map((texts, index) => {
    const [mark = "", ...rest] = line(texts);
    return `${paintMark(rows[index], mark, paint)}  ${rest.join("  ").trimEnd()}`;
  });
  return [head, ...body].join("\n");
}

/** Everything about one account, a fact a line. */
export function detailsOf(status: Status, title: string, now: number, paint: Paint): string {
  const { row, scopes } = status;
  const facts: readonly (readonly [string, string | null])[] = [
    ["account", row.account],
    ["identity", row.identity],
    ["read from", row.importedFrom === undefined ? null : `${row.importedFrom.file} (${row.importedFrom.tool})`],
    ["state", row.state],
    ["usable", row.usable],
    ["expires", row.expiresAt === null ? null : expiryOf(row, now)],
    ["renewal", renewalOf(status)],
    ["not granted", scopes === null || scopes.missing.length === 0 ? null : scopes.missing.join(" ")],
    ["not asked", scopes === null || scopes.more.length === 0 ? null : scopes.more.join(" ")],
    ["verified", verifiedOf(row, now)],
    ["used", methodOf(row)],
    ["OAuth", row.enabled ? "on" : "off"],
    ["last error", row.lastError],
    ["sign-in", pendingOf(row, now)],
    ["timer", timerOf(status, now)],
    ["next", row.nextCommand],
  ];
  const lines = facts.flatMap(([name, text]) => (text === null ? [] : [`  ${paint("dim", name.padEnd(11))} ${text}`]));
  return [`${paintMark(row, markOf(row), paint)} ${paint("bold", row.provider)}  ${title}`, ...lines].join("\n");
}

function renewalOf({ row: { present, refreshable, importedFrom }, renewalRefused }: Status): string | null {
  if (!present) return null;
  if (importedFrom !== undefined) return `by ${importedFrom.tool} alone`;
  if (renewalRefused) return "refused: sign in again";
  return refreshable ? "possible" : "not possible: sign in again after its end";
}

/** When the provider last took it. Of a key nobody notes that. */
function verifiedOf({ present, source, verifiedAt }: StatusRow, now: number): string | null {
  if (verifiedAt !== null) return moment(Date.parse(verifiedAt), now);
  return present && source.kind === "oauth" ? "not yet" : null;
}

/** What happens next by itself. */
function timerOf({ row: { expiresAt, pending }, nextTimerAt: at }: Status, now: number): string | null {
  if (at === null) return null;
  const isAt = (time: string | null | undefined): boolean => time != null && Date.parse(time) === at;
  const what = isAt(expiresAt)
    ? "the token ends"
    : isAt(pending?.expiresAt)
      ? "the sign-in ends"
      : "the next try to renew it";
  return `${relative(at, now)}: ${what}`;
}

/** The credential that wins, in a word or two. */
function methodOf({ source: { kind, name } }: StatusRow): string {
  if (kind === "flag") return "key flag";
  return name === undefined ? kind : `${kind} ${name}`;
}

/** Whether it can be used. */
export function markOf({ usable }: StatusRow): string {
  return usable === "no" ? "✗" : "✓";
}

function paintMark(row: StatusRow | undefined, mark: string, paint: Paint): string {
  return paint(row?.usable === "no" ? "red" : "green", mark);
}

/** The account as it stands in a table. */
export function nameOf({ provider, account }: Pick<StatusRow, "provider" | "account">): string {
  return account === "default" ? provider : `${provider} (${account})`;
}

function expiryOf({ expiresAt }: StatusRow, now: number): string {
  return expiresAt === null ? "–" : moment(Date.parse(expiresAt), now);
}

function pendingOf({ pending }: StatusRow, now: number): string | null {
  if (pending === null) return null;
  const code = pending.userCode === null ? "" : `, code ${pending.userCode}`;
  const until = pending.expiresAt === null ? "" : `, until ${moment(Date.parse(pending.expiresAt), now)}`;
  return `under way (${pending.kind}${code}${until})`;
}
