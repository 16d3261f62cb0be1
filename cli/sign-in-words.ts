// What a person reads while signing in. Pure text: an address and a code always stand alone on their lines, undecorated, and
// the service and host are named, so that nobody types a code into a stranger's page (RFC 8628 5.4).
import type { PendingRow, Provider, StatusRow } from "../runtime/index.ts";
import type { Output } from "./output.ts";
import { isTerminal, type Io } from "./terminal.ts";
import { moment } from "./when.ts";

/** The lines that announce a sign-in. */
export function pageOf(row: PendingRow, { title }: Provider, io: Io, { style }: Output): string[] {
  const { kind, url, urlComplete, userCode } = row;
  const lines = [`Sign in to ${style("bold", title)} at ${new URL(url).host}.`, "Open this address:", "", url, ""];
  if (kind === "device") {
    lines.push("and enter this code:", "", style("bold", userCode ?? ""), "");
    if (urlComplete !== null) {
      lines.push(`Or open this one, and check that it shows ${userCode}:`, "", urlComplete, "");
    }
    return lines;
  }
  if (kind === "paste") {
    return [
      ...lines,
      isTerminal(io)
        ? "Then paste here what the page shows, and press Enter. It is not shown."
        : `Finish ${later(row)}`,
    ];
  }
  const back = new URL(url).searchParams.get("redirect_uri");
  const hint = back === null ? null : forwarding(io.environment, back);
  if (hint !== null) lines.push(`Is the browser on another machine? Run there: ${hint}`);
  lines.push(
    isTerminal(io)
      ? "If the page at the end does not load, paste its address here. It is not shown."
      : `If the page at the end does not load, finish ${later(row)}`,
  );
  return lines;
}

/** To whoever joined what another process has begun. */
export function underWay({ title }: Provider): string {
  return `A sign-in to ${title} is under way already, in another process. This one joins it.`;
}

/** After Ctrl-C. */
export function howToGoOn(row: PendingRow): string {
  return row.kind === "device"
    ? `The sign-in is still open. Finish it with: ${commandOf(row, "wait")}`
    : `The sign-in is still open. Finish it with: ${commandOf(row, "complete")}`;
}

export function signedInAs({ provider, account, identity, expiresAt }: StatusRow, now = Date.now()): string {
  const who = identity === null ? "" : ` as ${identity}`;
  const where = account === "default" ? "" : ` (account ${account})`;
  const until = expiresAt === null ? "" : `; the token lasts until ${moment(Date.parse(expiresAt), now)}`;
  return `Signed in to ${provider}${where}${who}${until}.`;
}

/** A command about the same account. */
export function commandOf({ provider, account }: Pick<StatusRow, "provider" | "account">, verb: string): string {
  return `llxprt-auth ${provider} ${verb}${account === "default" ? "" : ` --account ${account}`}`;
}

function later(row: PendingRow): string {
  return `with \`${commandOf(row, "complete")}\` and what the page shows.`;
}

/** The command that lets a browser on the person's own machine reach the listener here. */
function forwarding(environment: Io["environment"], redirect: string): string | null {
  const [, , server] = (environment["SSH_CONNECTION"] ?? "").split(" ");
  const { port, hostname } = new URL(redirect);
  if (server === undefined || port === "") return null;
  const user = environment["USER"] ?? environment["LOGNAME"];
  return `ssh -N -L ${port}:${hostname}:${port} ${user === undefined ? "" : `${user}@`}${server}`;
}
