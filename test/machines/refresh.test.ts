// The protocol chart as a table: every state with every event, what it leads to, and which verdict it ends with. And the
// walk along it, which takes no answer that a state does not know.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  follow,
  type RefreshEvent,
  refreshProtocol,
  type RefreshState,
  type RefreshSteps,
  type RefreshVerdict,
} from "../../machines/refresh.ts";
import { initialTransition, transition } from "../../machines/statechart.ts";

type Place = RefreshState | "done";
type Name = RefreshEvent["type"];

/** Every transition that there is. What is not named here leads nowhere. */
const leads: Readonly<Record<Place, Readonly<Partial<Record<Name, Place>>>>> = {
  locking: { "lock.taken": "rereading", "lock.spared": "done" },
  rereading: {
    "file.answers": "releasing",
    "file.spendable": "preparing",
    "seal.found": "salvaging",
    "permit.found": "weighing",
  },
  weighing: { "repeat.allowed": "preparing", "repeat.postponed": "releasing", "repeat.over": "interrupted" },
  preparing: { "room.made": "prepared", "room.refused": "releasing" },
  prepared: { "permit.written": "permitted", "permit.taken": "rereading", "permit.refused": "releasing" },
  permitted: {
    "reply.arrived": "replied",
    "reply.refused": "refused",
    "reply.unprocessed": "unprocessed",
    "reply.lost": "unanswered",
  },
  replied: { "seal.written": "sealed", "seal.failed": "unsealed" },
  unsealed: {
    "file.written": "checkpointed",
    "file.postponed": "replied",
    "file.gone": "discarding",
    "reply.unusable": "blocked",
    "reply.refused": "refused",
    "reply.lost": "unanswered",
    "step.done": "releasing",
  },
  sealed: {
    "file.written": "checkpointed",
    "file.postponed": "releasing",
    "file.gone": "discarding",
    "reply.unusable": "blocked",
    "reply.refused": "refused",
    "reply.lost": "unanswered",
  },
  salvaging: {
    "file.written": "rereading",
    "file.postponed": "releasing",
    "file.gone": "discarding",
    "reply.unusable": "blocked",
    "reply.refused": "refused",
    "reply.lost": "unanswered",
  },
  checkpointed: { "step.done": "releasing" },
  refused: { "step.done": "releasing" },
  interrupted: { "step.done": "releasing" },
  blocked: { "step.done": "releasing" },
  unprocessed: { "step.done": "releasing" },
  unanswered: { "step.done": "releasing" },
  discarding: { "step.done": "releasing" },
  releasing: { "step.done": "done" },
  done: {},
};

const places = Object.keys(leads) as Place[];
const names = refreshProtocol.events as readonly Name[];
const before: RefreshVerdict = { kind: "unavailable", code: "internal" };
const verdict: RefreshVerdict = { kind: "rejected", code: "refresh_refused" };

/** Whether an event of this kind says how it ends. */
const isJudged = (name: Name): boolean =>
  /^(lock\.spared|file\.(answers|written|postponed|gone)|repeat\.(postponed|over)|room\.refused|permit\.refused)$/.test(
    name,
  ) || /^(reply\.(refused|unprocessed|lost|unusable)|step\.done)$/.test(name);

function after(from: Place, name: Name) {
  const snapshot = refreshProtocol.resolveState({ value: from, context: { verdict: before } });
  const event = (isJudged(name) ? { type: name, verdict } : { type: name }) as RefreshEvent;
  const [next] = transition(refreshProtocol, snapshot, event);
  return { next, isKnown: snapshot.can(event) };
}

describe("the refresh protocol", () => {
  it("begins at the lock, and has exactly these states and events", () => {
    assert.equal(initialTransition(refreshProtocol)[0].value, "locking");
    assert.deepEqual(Object.keys(refreshProtocol.states).toSorted(), places.toSorted());
    const named = new Set(Object.values(leads).flatMap((known) => Object.keys(known)));
    assert.deepEqual([...named].toSorted(), [...names].toSorted());
  });

  it("says in a sentence what is true and done in each state", () => {
    for (const place of places) assert.match(refreshProtocol.states[place]?.description ?? "", /^[A-Z].*\.$/, place);
  });

  for (const from of places)
    it(`leads from ${from} where the table says, and nowhere else`, () => {
      const found: Record<string, string> = {};
      for (const name of names) {
        const { next, isKnown } = after(from, name);
        if (isKnown) found[name] = next.value;
        else assert.equal(next.value, from, name);
      }
      assert.deepEqual(found, leads[from]);
    });

  it("comes from everywhere to its end", () => {
    const ending = new Set<Place>(["done"]);
    for (const to of ending) for (const from of places) if (Object.values(leads[from]).includes(to)) ending.add(from);
    assert.deepEqual([...ending].toSorted(), places.toSorted());
  });

  it("gives the lock back on every way that has taken it", () => {
    const into = places.filter((from) => Object.values(leads[from]).includes("done"));
    assert.deepEqual(into, ["locking", "releasing"]);
    assert.equal(leads.locking["lock.spared"], "done");
  });

  it("sends from one state only, and reaches that from one only", () => {
    assert.deepEqual(
      places.filter((from) => Object.values(leads[from]).includes("permitted")),
      ["prepared"],
    );
    assert.deepEqual(
      places.filter((from) => Object.values(leads[from]).includes("replied")),
      ["permitted", "unsealed"],
    );
  });
});

describe("the verdict", () => {
  /** Leads on to something whose own event says how it ends. */
  const goesOn: readonly (readonly [Place, Name])[] = [
    ["salvaging", "file.written"],
    ["unsealed", "file.postponed"],
  ];

  for (const from of places)
    for (const name of names.filter((one) => isJudged(one) && leads[from][one] !== undefined)) {
      const keeps = goesOn.some(([state, event]) => state === from && event === name) || isHousekeeping(from);
      it(`of ${from}, ${name} ${keeps ? "is not the last" : "counts"}`, () => {
        assert.deepEqual(after(from, name).next.context.verdict, keeps ? before : verdict);
      });
    }

  /** What is done after the verdict: nothing comes of it. */
  function isHousekeeping(from: Place): boolean {
    return from === "checkpointed" || from === "releasing";
  }

  it("stands when the last step has none of its own", () => {
    const snapshot = refreshProtocol.resolveState({ value: "unanswered", context: { verdict } });
    assert.deepEqual(transition(refreshProtocol, snapshot, { type: "step.done" })[0].context.verdict, verdict);
  });

  it("is what the chart puts out at its end", () => {
    const snapshot = refreshProtocol.resolveState({ value: "releasing", context: { verdict } });
    const [done] = transition(refreshProtocol, snapshot, { type: "step.done" });
    assert.equal(done.status, "done");
    assert.deepEqual(done.output, verdict);
  });
});

describe("follow", () => {
  it("does one step after the other, as the chart says", async () => {
    const { steps, asked } = answering(
      { type: "lock.taken" },
      { type: "file.spendable" },
      { type: "room.made" },
      { type: "permit.written" },
      { type: "reply.arrived" },
      { type: "seal.written" },
      { type: "file.written", verdict: { kind: "refreshed", code: null } },
      { type: "step.done" },
      { type: "step.done" },
    );
    assert.deepEqual(await follow(steps), { kind: "refreshed", code: null });
    const way = "locking rereading preparing prepared permitted replied sealed checkpointed releasing";
    assert.deepEqual(asked, way.split(" "));
  });

  it("waits for a step that takes its time", async () => {
    const { steps } = answering({ type: "lock.spared", verdict });
    const late = async (): Promise<RefreshEvent> => await Promise.resolve(steps.locking());
    assert.deepEqual(await follow({ ...steps, locking: late }), verdict);
  });

  it("takes no answer that the state does not know", async () => {
    const { steps } = answering({ type: "lock.taken" }, { type: "permit.written" });
    await assert.rejects(follow(steps), new TypeError("permit.written is no answer in rereading"));
  });

  it("lets what a step throws through", async () => {
    const { steps } = answering();
    await assert.rejects(follow(steps), RangeError);
  });
});

/** Steps that answer these events, in their order, and note where they were asked. */
function answering(...events: readonly RefreshEvent[]): { readonly steps: RefreshSteps; readonly asked: Place[] } {
  const asked: Place[] = [];
  const rest = [...events];
  const answer = (at: Place) => (): RefreshEvent => {
    asked.push(at);
    const event = rest.shift();
    if (event === undefined) throw new RangeError("asked once too often");
    return event;
  };
  const states = places.filter((place) => place !== "done");
  return { steps: Object.fromEntries(states.map((at) => [at, answer(at)])) as RefreshSteps, asked };
}
