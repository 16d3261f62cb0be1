// A journal fed to the statecharts of today: what they would have done with the same events, beside what was done then.
//
// Pure functions of the charts and the lines: no actor runs, no clock is asked, nothing is contacted. A chart that comes to
// another state than it did is said to differ, and its run ends there: what followed was about a state it is not in.
import { chartOf } from "../../machines/chart.ts";
import { emptyMemory } from "../../machines/memory.ts";
import type { ProviderMachine } from "../../machines/provider.ts";
import { initialTransition, transition } from "../../machines/statechart.ts";
import type { Grant } from "../../providers/provider.ts";
import type { Move } from "./move.ts";
import { pathOf } from "./projection.ts";
import type { JournalRecord } from "./record.ts";

/** One transition, then and now. */
export interface Replayed {
  readonly record: MoveRecord;
  /** Where the chart of today comes to; null: it was not asked, because its way had parted from the recorded one before. */
  readonly value: string | null;
  /** It comes to another state, or its timers ring at another time. */
  readonly differs: boolean;
}

export type MoveRecord = JournalRecord & { readonly move: Move };

/** Where a chart has come to, as XState has it. */
interface Snapshot {
  readonly value: unknown;
  readonly status: string;
  readonly children: Readonly<Record<string, { readonly options?: { readonly input?: unknown } } | undefined>>;
}

const allGrants = ["loopback", "paste", "device"] as const;

/** Which running chart a line is about: the one of this number in this process. */
export function runOf({ pid, provider, account, move }: MoveRecord): string {
  return `${pid} ${provider} ${account} ${move.actor}`;
}

/** @param grantsOf of a provider, preferred first; null: not known here, so that each may be meant */
export function* replay(
  records: Iterable<JournalRecord>,
  grantsOf: (provider: string) => readonly Grant[] | null,
): Generator<Replayed, void> {
  const runs = new Map<string, { readonly machine: ProviderMachine; snapshot: Snapshot | null }>();
  for (const record of records) {
    if (!isMove(record)) continue;
    const { move } = record;
    const key = runOf(record);
    if (move.event.type === "xstate.init") {
      const machine = machineOf(record, grantsOf(record.provider) ?? allGrants);
      runs.set(key, { machine, snapshot: beginning(machine, record) });
    }
    const run = runs.get(key);
    // Its beginning is in a file that was rotated away.
    if (run === undefined) continue;
    if (run.snapshot !== null && move.event.type !== "xstate.init") {
      const [next] = transition(run.machine as never, run.snapshot as never, revived(move.event) as never);
      run.snapshot = next;
    }
    const value = run.snapshot === null ? null : pathOf(run.snapshot.value);
    const differs = run.snapshot !== null && !isSame(run.snapshot, move);
    if (differs) run.snapshot = null;
    yield { record, value, differs };
  }
}

export function isMove(record: JournalRecord): record is MoveRecord {
  return record.move !== undefined;
}

/** Every chart is stepped alike, whatever it remembers. */
function machineOf({ move }: MoveRecord, [first = "loopback", ...others]: readonly Grant[]): ProviderMachine {
  return chartOf(move.machine, [first, ...others]) as unknown as ProviderMachine;
}

/** A chart that was restored begins where it was left, and remembers nothing. */
function beginning(machine: ProviderMachine, { provider, account, move }: MoveRecord): Snapshot {
  const { ahead, jitter, port = null, timeoutMs = null, attempt = null } = move.event;
  const life = { provider, account, ahead: ahead === true, jitter: Number(jitter) };
  const asked = { provider, account, port, timeoutMs, attempt };
  const given = move.machine === "account" ? life : asked;
  const first: Snapshot = initialTransition(machine as never, given as never)[0];
  const isRestored = move.machine === "account" && first.value !== move.value;
  if (!isRestored) return first;
  return machine.resolveState({ value: move.value, context: emptyMemory(life) }) as unknown as Snapshot;
}

/** The event with what was left out of the journal because it says who somebody is, or where a code is kept. */
function revived(event: Move["event"]): object {
  const { output } = event as { readonly output?: Readonly<Record<string, unknown>> };
  const whole =
    output === undefined
      ? {}
      : "survey" in output
        ? { output: { ...output, survey: withFacts(output["survey"]) } }
        : { output: "facts" in output ? withFacts(output) : { handle: "held", ...output } };
  return { handle: "held", ...event, ...whole };
}

function withFacts(survey: unknown): unknown {
  const { facts, ...others } = survey as { readonly facts: object | null };
  return { ...others, facts: facts === null ? null : { identity: null, ...facts } };
}

function isSame({ value, status, children }: Snapshot, move: Move): boolean {
  const rings = Object.entries(children).flatMap(([id, child]) => {
    const { at } = (child?.options?.input ?? {}) as { readonly at?: unknown };
    return typeof at === "number" ? [`${id} ${at}`] : [];
  });
  const rang = move.timers.map(({ id, at }) => `${id} ${at}`);
  const isEnded = status !== "active" || move.status !== "active";
  return (
    pathOf(value) === move.value &&
    status === move.status &&
    (isEnded || rings.toSorted().join() === rang.toSorted().join())
  );
}
