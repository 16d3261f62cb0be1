// What a person reads while signing in. Pure text: an address and a code always stand alone on their lines, undecorated, and
// the service and host are named, so that nobody types a code into a stranger's page (RFC 8628 5.4).
import type { PendingRow, Provider, StatusRow, Surrounding } from "../runtime/index.ts";
import type { Flags } from "./options.ts";
import { inHome, type Output, shellWord } from "./output.ts";
import { isTerminal, type Io } from "./terminal.ts";
import { moment } from "./when.ts";

/** A sign-in, and the home that it is in if that was named. */
export type Told = PendingRow & Home;
type Home = Pick<Flags, "home">;

/** The lines that announce a sign-in. @param around where this runs */
export function pageOf(
  row: Told,
  provider: Provider,
  around: readonly Surrounding[],
  io: Io,
  { style, link }: Output,
): string[] {
  const { kind, url, urlComplete, userCode } = row;
  const { title } = provider;
  const lines = [
    `Sign in to ${style("bold", title)} at ${new URL(url).host}.`,
    "Open this address:",
    "",
    link(url),
    "",
  ];
  if (kind === "device") {
    lines.push("and enter this code:", "", style("bold", userCode ?? ""), "");
    if (urlComplete !== null) {
      lines.push(`Or open this one, and check that it shows ${userCode}:`, "", link(urlComplete), "");
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
  return [
    ...lines,
    ...fromAfar(row, provider, around),
    isTerminal(io)
      ? "If the page at the end does not load, paste its address here. It is not shown."
      : `If the page at the end does not load, finish ${later(row)}`,
  ];
}

/** What helps a browser on another machine to come back to a port here. Nothing where it needs no help, or cannot be helped. */
export function fromAfar(row: Told, { grants }: Provider, around: readonly Surrounding[]): string[] {
  const first = around.find(({ says }) => says !== null);
  const back = row.kind === "loopback" ? new URL(row.url).searchParams.get("redirect_uri") : null;
  const port = back === null ? 0 : Number(new URL(back).port);
  if (first === undefined || port === 0) return [];
  // Who forwards nothing itself may run inside of what does.
  const way = first.forward === null ? around.find(({ forward }) => forward !== null) : first;
  const lines: string[] = [];
  for (const { title, says, forward } of new Set([first, way ?? first])) {
    lines.push(`This is ${title}. ${says}`);
    // One text with its line breaks: what is to be copied is not broken anywhere else.
    if (forward !== null) lines.push(`\n${forward(port).map(shellWord).join(" ")}\n`);
  }
  if (grants.includes("device")) {
    lines.push(`Or sign in with a code, from any machine: ${commandOf(row, "login --device", row)}`);
  }
  return lines;
}

/** To whoever joined what another process has begun. */
export function underWay({ title }: Provider): string {
  return `A sign-in to ${title} is under way already, in another process. This one joins it.`;
}

/** After Ctrl-C. */
export function howToGoOn(row: Told): string {
  return row.kind === "device"
    ? `The sign-in is still open. Finish it with: ${commandOf(row, "wait", row)}`
    : `The sign-in is still open. Finish it with: ${commandOf(row, "complete", row)}`;
}

export function signedInAs({ provider, account, identity, expiresAt }: StatusRow, now = Date.now()): string {
  const who = identity === null ? "" : ` as ${identity}`;
  const where = account === "default" ? "" : ` (account ${account})`;
  const until = expiresAt === null ? "" : `; the token lasts until ${moment(Date.parse(expiresAt), now)}`;
  return `Signed in to ${provider}${where}${who}${until}.`;
}

/** A command about the same account, in the same home. */
export function commandOf(
  { provider, account }: Pick<StatusRow, "provider" | "account">,
  verb: string,
  home: Home,
): string {
  return inHome(`llxprt-auth ${provider} ${verb}${account === "default" ? "" : ` --account ${account}`}`, home);
}

/** The command that makes sense now; a look at it where nothing has to be done. */
export function nextOf(row: StatusRow, home: Home): string {
  return row.nextCommand === null ? commandOf(row, "status", home) : inHome(row.nextCommand, home);
}

function later(row: Told): string {
  return `with \`${commandOf(row, "complete", row)}\` and what the page shows.`;
}
