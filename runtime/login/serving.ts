// Serving a sign-in: its listener, bound and handed to the machine, and the wait for the turn of a process that is gone.
//
// A kernel tells nobody that a lock was given back, so it is tried now and then, and so is a port that another program
// held. Until both are had, pasting goes on as the way. Nobody's turn is ever taken away.
import { AuthError } from "../../machines/errors.ts";
import type { LoginEvent, PollInput } from "../../machines/login/login.ts";
import type { Loopback } from "../../providers/provider.ts";
import type { Attempt } from "../store/pending.ts";
import { type Desk, noteDenial } from "./desk.ts";
import { portOf } from "./entrance.ts";
import { timesOf } from "./times.ts";
import type { Listener, openListener } from "./listener.ts";
import { failedPage } from "./pages.ts";

type Told = Extract<LoginEvent, { type: "callback.arrived" | "callback.denied" | "serving.begun" }>;

/** Serves the attempt, or waits for its turn to. @returns how to stop, which gives everything back */
export function serve(desk: Desk, input: PollInput, tell: (event: Told) => void): () => void {
  const { listeners, pending, turns, watch, store } = desk;
  const { attempt } = input;
  const name = { provider: input.provider, account: input.account };
  let isOver = false;
  let isBinding = false;

  const handOver = (listener: Listener): void => {
    listener.deliver((arrival) => {
      if (arrival.kind === "code") {
        tell({ type: "callback.arrived", handle: desk.vault.put({ ...arrival, verifier: null }) });
        return;
      }
      noteDenial(desk, name, arrival);
      listener.show(failedPage(arrival.code), true);
      tell({ type: "callback.denied", code: arrival.code });
    });
  };

  const listen = async (record: Attempt): Promise<void> => {
    isBinding = true;
    const listener = await listenerAgain(desk, record).catch(() => null);
    isBinding = false;
    if (listener === null) return;
    if (isOver) {
      await listener.close();
      return;
    }
    listeners.set(attempt, listener);
    handOver(listener);
  };

  const look = (): void => {
    const isOurs = turns.has(attempt);
    if (isOurs && (isBinding || listeners.has(attempt))) return;
    try {
      const record = pending.get(name, attempt);
      // Its end is told by who follows the records.
      if (record === null || (isOurs && record.kind !== "loopback")) return;
      if (!turns.take(name, attempt)) return;
      if (!isOurs) {
        noteAdopted(desk, record);
        tell({ type: "serving.begun", ...timesOf(desk, record) });
      }
      if (record.kind === "loopback") void listen(record);
    } catch (error) {
      // A store that fails shows where it matters.
      if (!(error instanceof AuthError)) throw error;
    }
  };

  const listener = listeners.get(attempt);
  if (listener !== undefined) handOver(listener);
  const stop = watch.folder(store.paths.pending, look);
  return () => {
    isOver = true;
    stop();
    void listeners.get(attempt)?.close();
    listeners.delete(attempt);
    turns.give(name, attempt);
  };
}

/** A sign-in that another process began, or served, is this one's now. */
export function noteAdopted({ journal }: Desk, { provider, account, attempt, kind, expiresAt }: Attempt): void {
  journal.note({ step: "signInAdopted", provider, account, signIn: attempt, grant: kind, deadlineAt: expiresAt });
}

/** Binds the port that a sign-in was begun with. Null: it has none. @throws AuthError `port_busy` */
export async function listenerAgain(desk: Desk, record: Attempt): Promise<Listener | null> {
  const { loopback } = desk.provider(record.provider);
  const { state, iss, issSent } = record;
  const port = portOf(record);
  if (port === null || state === null || loopback === null) return null;
  const listener = await listenerFor(record.provider, loopback, port);
  listener.expect({ state, issuer: iss, issSent });
  return listener;
}

/** As `openListener`. Loaded when somebody signs in: Node's http brings its whole fetch along. */
export async function listenerFor(
  provider: string,
  loopback: Loopback,
  port: number | null,
): ReturnType<typeof openListener> {
  const { openListener: open } = await import("./listener.ts");
  return open(provider, loopback, port);
}
