// Beside the account's chart: the chart of its sign-in or refresh, who runs what, who holds which lock, and what is waited
// for.
import { h, type JSX } from "preact";
import { glanceName, pictureName } from "../../picture-name.ts";
import { Chart } from "./chart.ts";
import { isFresh } from "./lit.ts";
import type { Beside, View } from "./model.ts";
import { type Run, shownRuns } from "./runs.ts";
import { time } from "./subject.ts";
import { away } from "./times.ts";
import { chartWords, timerWords } from "./words.ts";

interface Asked {
  readonly view: View;
  readonly pictures: Readonly<Record<string, string>>;
  readonly onBeside: (chart: Beside) => void;
}

export function BesideChart({ view, pictures, onBeside }: Asked): JSX.Element | null {
  const { beside, besideLit: lit, grants, shownAt, isPast } = view;
  if (beside === null) return null;
  const choices: readonly Beside[] = [...grants, "refresh"];
  const state = lit.active.at(-1);
  const last = lit.left.at(-1);
  const where = state === undefined ? (last === undefined ? "not running" : `ran last, to ${last}`) : state;
  return h(
    "section",
    { class: "beside", "aria-label": "The sign-in and the refresh" },
    h(
      "div",
      { class: "tabs", role: "group", "aria-label": "Chart" },
      choices.map((chart) =>
        h(
          "button",
          { key: chart, type: "button", "aria-pressed": chart === beside, onClick: () => onBeside(chart) },
          chart,
        ),
      ),
    ),
    h(Chart, {
      key: beside,
      glance: pictures[glanceName(beside, grants)],
      whole: pictures[pictureName(beside, grants)],
      lit,
      isFresh: isFresh(lit, shownAt, isPast),
      share: 0.3,
      label: `Statechart of the ${chartWords[beside]}: ${where}`,
      caption: [
        h("b", null, where),
        lit.by !== null && ` · process ${lit.by.pid} · ${away(Date.parse(lit.by.at), shownAt)}`,
      ],
    }),
  );
}

export function Waiting({ view }: { readonly view: View }): JSX.Element {
  const { account, runs, shownAt, isPast } = view;
  const shown = shownRuns(runs, 5);
  return h(
    "section",
    { class: "waiting", "aria-label": "Who waits for what" },
    account?.pending != null && h(Pending, { pending: account.pending, shownAt }),
    h("h3", null, isPast ? "Processes until then" : "Processes"),
    shown.length === 0
      ? h("p", { class: "empty" }, "The journal names none for this account.")
      : h(
          "ul",
          { class: "runs" },
          shown.map((run) => h(Running, { key: `${run.pid} ${run.chart} ${run.by.n}`, run, shownAt })),
        ),
    account !== null && h(Locks, { locks: account.locks, shownAt }),
  );
}

function Pending({
  pending,
  shownAt,
}: {
  readonly pending: { kind: string; expiresAt: number | null };
  shownAt: number;
}): JSX.Element {
  const { kind, expiresAt } = pending;
  return h(
    "p",
    { class: "pending" },
    h("b", null, `${chartWords[kind]} under way`),
    h("br", null),
    expiresAt === null ? "It waits without limit." : ["deadline ", time(expiresAt, shownAt)],
  );
}

const presences = { here: "alive", stopped: "stopped", gone: "gone", unknown: "not known" } as const;

function Running({ run, shownAt }: { readonly run: Run; readonly shownAt: number }): JSX.Element {
  const { pid, chart, value, isOver, isThere, timers, at } = run;
  const presence = isThere === null ? null : isThere ? "alive" : "gone";
  return h(
    "li",
    { class: isThere === false || isOver ? "run over" : "run" },
    h("span", { class: "pid" }, `${pid}`),
    presence !== null && h("span", { class: `presence ${presence}` }, presence),
    h("span", { class: "where" }, `${chart}: `, h("b", null, value)),
    h("span", { class: "since" }, away(at, shownAt)),
    !isOver &&
      isThere !== false &&
      timers.map((timer) =>
        h("span", { key: timer.id, class: "timer" }, `${timerWords[timer.id] ?? timer.id} `, time(timer.at, shownAt)),
      ),
  );
}

interface Holding {
  readonly locks: NonNullable<View["account"]>["locks"];
  readonly shownAt: number;
}

function Locks({ locks, shownAt }: Holding): JSX.Element {
  return h(
    "div",
    { class: "locks" },
    h("h3", null, "Locks"),
    locks.length === 0
      ? h("p", { class: "empty" }, "Nobody holds one.")
      : h(
          "ul",
          null,
          locks.map(({ lock, pid, since, presence }) =>
            h(
              "li",
              { key: `${lock} ${pid}` },
              h("b", null, lockWords[lock] ?? lock),
              ` held by ${pid === null ? "a process that has no number here" : `process ${pid}`} (${presences[presence]})`,
              since !== null && [" since ", time(since, shownAt)],
            ),
          ),
        ),
  );
}

const lockWords: Readonly<Record<string, string>> = {
  lock: "refresh",
  turn: "sign-in",
};
