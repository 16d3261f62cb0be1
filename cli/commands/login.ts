// `<p> login`: sign in now, whatever is stored. With nobody there who could, it says so at once; `--detach` leaves it to
// a process in the background, and whoever waits for that.
import type { Account, LoginRequest, PendingRow } from "../../runtime/index.ts";
import { usage } from "../dispatch.ts";
import { handingOver } from "../handing-over.ts";
import type { Flags } from "../options.ts";
import { msGiven, portGiven } from "../numbers.ts";
import { outrankedBy } from "../precedence-words.ts";
import type { Context } from "../session.ts";
import { commandOf, fromAfar, underWay } from "../sign-in-words.ts";
import { signIn, surroundings } from "../signing-in.ts";
import { isCi } from "../terminal.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["grant", "device", "port", "browser", "timeout", "qr", "copy", "detach"],
  run: async (context) => {
    const { flags, output, io } = context;
    const request = await requestIn(flags);
    const account = await context.account();
    if (flags.detach === true) return detach(context, account, request);
    if (flags["non-interactive"] === true || isCi(io)) {
      const { AuthError } = await import("../../runtime/index.ts");
      const detail = isCi(io) ? "CI is set" : "--non-interactive";
      throw new AuthError("sign_in_unattended", { provider: account.provider, account: account.account, detail });
    }
    await warn(context, account);
    const status = await signIn(context, (to, shown) => to.login({ ...request, ...shown }));
    if (flags.json === true) output.json({ schema: 1, ...status.row });
    return 0;
  },
};

async function detach(context: Context, account: Account, request: LoginRequest): Promise<number> {
  const { output, flags, signal } = context;
  await warn(context, account);
  const facts = await context.facts();
  const handOver = await handingOver(context, facts);
  const { home } = flags;
  const shown: PendingRow[] = [];
  await account.login({
    ...request,
    detach: true,
    signal,
    onPending: (row, { joined }) => {
      shown.push(row);
      if (joined) output.say(underWay(facts));
    },
  });
  const [row] = shown;
  if (row === undefined) throw new TypeError("a sign-in that began was announced");
  handOver(row);
  if (flags.json === true) {
    output.json(row);
    return 0;
  }
  output.data(row.urlComplete ?? row.url);
  if (row.userCode !== null) output.data(`Code: ${row.userCode}`);
  output.data(`Attempt: ${row.attempt}`);
  output.data(`Until: ${row.expiresAt ?? "no limit"}`);
  for (const line of fromAfar({ ...row, home }, facts, await surroundings(context))) output.say(line);
  output.say(
    row.kind === "paste"
      ? `Finish it with: ${commandOf(row, "complete", flags)}`
      : `Finish it with: ${commandOf(row, "wait", flags)}${row.kind === "device" ? "" : `, or ${commandOf(row, "complete", flags)}`}`,
  );
  return 0;
}

/** What the person should know before a browser opens. */
async function warn({ output, facts }: Context, account: Account): Promise<void> {
  const { provider } = account;
  // Signing in enables, so a key that outranks a login does so from then on, too.
  const precedence = account.why();
  const candidates = precedence.candidates.map((one) => (one.kind === "oauth" ? { ...one, isSet: true } : one));
  const origin = outrankedBy({ ...precedence, candidates });
  if (origin !== null)
    output.say(`Warning: ${origin} outranks OAuth for ${provider} and will still be used after this.`);
  const { notice } = await facts();
  if (notice !== null && !account.status().row.enabled) output.say(`Note: ${notice}`);
}

async function requestIn(flags: Flags): Promise<LoginRequest> {
  const { grant, device } = flags;
  if (device === true && grant !== undefined && grant !== "device") throw await usage("--device contradicts --grant");
  const port = await portGiven(flags);
  const timeoutMs = await msGiven(flags, "timeout", 1);
  return { grant: device === true ? "device" : grant, port, timeoutMs };
}
