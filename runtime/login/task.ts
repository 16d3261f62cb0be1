// The sign-in of a process of its own: begun or joined, shown to whoever asked for it, and served until it ends or its time
// is over.
//
// It opens no browser and prints nothing. Its end is not the end of the sign-in: the record stays for whoever goes on. A
// sign-in that nobody was shown is not worth a process, nor is one that another such process serves already.
import { parseArgs } from "node:util";
import { AuthError } from "../../machines/errors.ts";
import type { Grant } from "../../providers/provider.ts";
import { type Auth, createAuth } from "../auth.ts";
import { realHost } from "../host.ts";
import type { Lock } from "../refresh/lock.ts";
import { createLocks } from "../refresh/locks.ts";
import { pathsIn } from "../store/names.ts";
import { createSpendStore } from "../store/spend.ts";
import { failedLine, shownLine } from "./elsewhere.ts";

/** @param say hands a line to whoever started this process, for good. @returns false: nobody is there any more */
export async function signInAlone(words: string[], say: (line: string) => boolean): Promise<void> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      home: { type: "string" },
      timeout: { type: "string" },
      grant: { type: "string" },
      port: { type: "string" },
    },
  });
  const [provider = "", account = "default"] = positionals;
  const name = { provider, account };
  const over = new AbortController();
  const end = (): void => {
    over.abort(new AuthError("interrupted", name));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  // Of a terminal that was closed long ago.
  process.on("SIGHUP", () => undefined);
  const host = { ...realHost({ home: values.home }), launch: null };
  const asked = {
    grant: (values.grant ?? null) as Grant | null,
    port: values.port === undefined ? null : Number(values.port),
    timeoutMs: values.timeout === undefined ? null : Number(values.timeout),
    signal: over.signal,
  };
  let auth: Auth | null = null;
  let lock: Lock | null = null;
  try {
    auth = createAuth({ host, ahead: false });
    lock = createLocks(createSpendStore(pathsIn(host.home)), host.now).tryTake(name, "background");
    const isOnlyOne = lock !== null;
    await auth.account(provider, account).login({
      ...asked,
      onPending: (pending, part) => {
        const isHeard = say(shownLine(pending, part));
        if (!isHeard || (part.joined && !isOnlyOne)) end();
      },
    });
  } catch (error) {
    say(failedLine(error instanceof AuthError ? error : new AuthError("internal", name)));
  } finally {
    lock?.release();
    await auth?.close();
  }
}
