// What is said of other programs' logins. Pure text: names, files, times, and never what is in a file besides.
import type { Found, Imports, Provider } from "../runtime/index.ts";
import type { Paint } from "./status-view.ts";
import { moment } from "./when.ts";

/** A found file as `--json` prints it. Times are ISO 8601. */
export function rowOf({ expiresAt, elsewhere: _, ...found }: Found): object {
  return { ...found, expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() };
}

/** A found file on two lines: what it holds, and where it is. */
export function foundLine(found: Found, now: number, paint: Paint): string {
  const { provider, tool, file, link } = found;
  const where = link === null ? file : `${file} → ${link}`;
  return [`${paint("bold", provider)}  ${tool}: ${holding(found, now)}`, `  ${paint("dim", where)}`].join("\n");
}

function holding({ kind, trouble, identity, expiresAt, refreshable, loose, accounts }: Found, now: number): string {
  const parts =
    kind === "login"
      ? [
          identity === null ? "a login" : `the login of ${identity}`,
          expiresAt === null ? "no end told" : `${expiresAt > now ? "until" : "ended"} ${moment(expiresAt, now)}`,
          refreshable ? "with a refresh token" : "without a refresh token",
        ]
      : [kind === "key" ? "an API key, and no login" : `cannot be read: ${trouble}`];
  const used = accounts.length === 0 ? [] : [`used here (${accounts.join(", ")})`];
  return [...parts, ...used, ...(loose ? ["others can read the file"] : [])].join(", ");
}

/** Where nothing was found. */
export function lookedAt(searched: Imports["searched"]): string[] {
  return searched.map(({ tool, file }) => `${file} (${tool})`);
}

/** Where a login may be that is not read here. */
export function mayBeElsewhere(of: readonly Pick<Found, "tool" | "elsewhere">[]): string[] {
  const notes = of.flatMap(({ tool, elsewhere }) =>
    elsewhere === null ? [] : [`Note: ${tool} may keep its login ${elsewhere}. That is not read here.`],
  );
  return [...new Set(notes)];
}

/** What taking a login over means, before it is done. */
export function hazardOf({ tool, file }: Found, { title, rotation, tokenEndpoint, issuer }: Provider): string[] {
  const at = tokenEndpoint ?? issuer;
  const where = at === null ? "" : ` at ${new URL(at).host}`;
  return [
    `The refresh token in ${file} will be copied, and from then on used here${where}. The file itself is not changed.`,
    ...sayings[rotation].map((saying) => saying.replaceAll("{tool}", () => tool).replaceAll("{title}", () => title)),
  ];
}

const stop =
  "So stop using {tool} with this login. Do not sign out in {tool}: that may end it here, too. Move its file away instead, as is said at the end.";

const sayings: Readonly<Record<Provider["rotation"], readonly string[]>> = {
  always: [
    "{title} takes a refresh token once only: with our next renewal the copy of {tool} is dead, with its next renewal ours is, and the use of a dead one may end both.",
    stop,
  ],
  sometimes: [
    "{title} may take a refresh token once only: then our next renewal ends the copy of {tool}, or its next one ours.",
    stop,
  ],
  never: [
    "{title} takes a refresh token many times, so that both can go on. Signing out in one of them may sign out the other.",
  ],
};
