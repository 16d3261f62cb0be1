// The properties that can be seen in an explored chart: every way through it is there, so what holds holds without luck.
import { restorable } from "../../machines/migrations.ts";
import { input } from "../machines/examples.ts";
import { step } from "../machines/step.ts";
import { at, type Explored, leadingTo, type Reached } from "./explore.ts";

/** What a chart is for: from every state that is not the end of it, one of these can be reached. */
const goals: Readonly<Record<string, (name: string, state: Reached) => boolean>> = {
  credential: (name) => at(name) === "authenticated",
  loopback: isGranted,
  paste: isGranted,
  device: isGranted,
  refresh: (name) => at(name) === "done",
};

function isGranted(_: string, { output }: Reached): boolean {
  return (output as { readonly kind?: string } | undefined)?.kind === "granted";
}

/** A sign-in is a chart of its own; inside an account's life it is a state. */
const isSignIn = (chart: string): boolean => ["loopback", "paste", "device"].includes(chart);

const active = ({ states }: Explored) => [...states].filter(([, { status }]) => status === "active");

export function wayBack({ chart, states, ways, machine: _ }: Explored): string[] {
  const isGoal = goals[chart];
  if (isGoal === undefined) return [`${chart} has no goal`];
  const good = leadingTo(
    ways,
    [...states].filter(([name, state]) => isGoal(name, state)).map(([name]) => name),
  );
  return [...states]
    .filter(([name, { status }]) => status === "active" && !good.has(name))
    .map(([name]) => `${chart}: no way on from ${name}`);
}

export function escapes(found: Explored): string[] {
  const waiting = active(found).filter(
    ([name]) => isSignIn(found.chart) || (found.chart === "credential" && name.startsWith("pendingAuth")),
  );
  return waiting.flatMap(([name, snapshot]) => {
    const { output, effects } = step(found.machine, { snapshot } as never, { type: "login.cancelled" });
    const isTold = effects.includes("tell login login.cancelled");
    const isOver = (output as { readonly kind?: string } | undefined)?.kind === "cancelled";
    return isTold || isOver ? [] : [`${found.chart}: ${name} cannot be cancelled`];
  });
}

/** Waiting for a person, not for a server. */
const forPeople = /^(awaitingCode|awaitingPoll\.)/;

export function deadlines(found: Explored): string[] {
  if (!isSignIn(found.chart)) return [];
  const waiting = active(found).filter(([name]) => forPeople.test(name));
  if (waiting.length === 0) return [`${found.chart} waits for nobody`];
  return waiting.flatMap(([name, snapshot]) => {
    const deadline = snapshot.children["deadline"] as
      | { readonly options: { readonly input: { readonly at: unknown; readonly sends: unknown } } }
      | undefined;
    const given = deadline?.options.input;
    const isSet = given?.at === snapshot.context.deadlineAt && given?.sends === "deadline.passed";
    const { status, output } = step(found.machine, { snapshot } as never, { type: "deadline.passed" });
    const isOver = status === "done" && (output as { readonly kind: string }).kind === "failed";
    return isSet && isOver ? [] : [`${found.chart}: ${name} has no deadline that ends it`];
  });
}

const settled = new Set(["disabled", "idle", "authenticated", "backingOff", "expired", "blocked"]);

/** What a state leaves behind can be taken up without an effect, or it is not taken up at all. */
export function settling({ chart, states }: Explored): string[] {
  if (chart !== "credential") return [];
  return [...states].flatMap(([name, { status, value }]) => {
    const saved = { schema: 1, machine: "credential", version: 1, saved_at: 0, state: { status, value } };
    const restored = restorable(saved, input) as { readonly children: object } | null;
    if ((restored !== null) !== settled.has(at(name))) return [`${name} is taken up, or is not, against the rule`];
    const lives = restored === null ? [] : Object.keys(restored.children).filter((id) => id !== "storeWatch");
    return lives.length === 0 ? [] : [`${name} is taken up with ${lives.join()} under way`];
  });
}

/** Whatever leads to the rest between two polls leaves at least the interval, from the end of the last reply. */
export function device({ chart, ways, states }: Explored): string[] {
  if (chart !== "device") return [];
  const resting = ways.filter(({ to }) => at(to) === "awaitingPoll.resting");
  if (resting.length === 0) return ["device never rests"];
  return resting.flatMap(({ from, event, reached }) => {
    const before = states.get(from);
    const polled = (event["output"] ?? event) as { readonly endedAt?: number; readonly at?: number; kind?: string };
    const since = polled.endedAt ?? polled.at;
    const { pollAt, intervalMs } = reached.context;
    // Nothing that is about the times.
    if (since === undefined) return pollAt === before?.context.pollAt ? [] : [`${from}: ${event.type} moves the poll`];
    const least = (before?.context.intervalMs ?? 0) + (polled.kind === "slowDown" ? 5_000 : 0);
    const isRest = at(from) === "awaitingPoll.polling" ? intervalMs >= least : true;
    return isRest && pollAt - since >= intervalMs ? [] : [`${from}: ${event.type} polls too soon`];
  });
}
