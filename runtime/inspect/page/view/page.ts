// The whole page from all that it knows: one function, drawn again whenever any of it changes.
import { h, type JSX } from "preact";
import { glanceName, pictureName } from "../../picture-name.ts";
import { Accounts } from "./accounts.ts";
import { BesideChart, Waiting } from "./beside.ts";
import { Chart } from "./chart.ts";
import { Detail } from "./detail.ts";
import { Events } from "./events.ts";
import { isFresh, type Lit } from "./lit.ts";
import { type Model, type View, viewOf } from "./model.ts";
import { keyOf } from "./seen.ts";
import { Sieve } from "./sieve.ts";
import { Subject } from "./subject.ts";
import { away } from "./times.ts";
import { Past, Top } from "./top.ts";
import { stateWords, whatOf } from "./words.ts";

interface Asked {
  readonly model: Model;
  readonly pictures: Readonly<Record<string, string>>;
  readonly change: (change: Partial<Model>) => void;
  readonly onFile: (file: File) => void;
}

export function Page({ model, pictures, change, onFile }: Asked): JSX.Element {
  const { seen, file, link, selected, find, sift, now } = model;
  const view = viewOf(model);
  const choose = (n: number): void => {
    const record = view.records.find((one) => one.n === n);
    if (record !== undefined) change({ chosen: n, selected: keyOf(record), beside: null });
  };
  return h(
    "div",
    { class: view.isPast ? "page is-past" : "page" },
    h(Top, { home: seen.scene?.home ?? null, link, file, onFile }),
    h(Past, {
      view,
      file,
      now,
      onLive: () => change({ chosen: null }),
      onClose: () => change({ chosen: null, file: null }),
    }),
    h(Accounts, {
      rows: view.rows,
      selected,
      find,
      shownAt: view.shownAt,
      onFind: (words) => change({ find: words }),
      onSelect: (key) => change({ selected: key, beside: null }),
    }),
    h(
      "main",
      { class: "main" },
      h(Advice, { view, link }),
      h(Subject, { view }),
      h(Pictures, { model, view, pictures, change }),
    ),
    h(
      "section",
      { class: view.chosen === null ? "dock" : "dock with-detail", "aria-label": "Events" },
      h(Sieve, {
        records: view.records,
        found: view.list.length,
        sift,
        onSift: (one) => change({ sift: { ...sift, ...one } }),
      }),
      h(Events, {
        key: file?.name ?? "",
        list: view.list,
        chosen: model.chosen,
        sift,
        now,
        empty: emptyWords(view),
        onChoose: choose,
      }),
      view.chosen !== null && h(Detail, { record: view.chosen, now }),
    ),
    h(News, { view }),
  );
}

interface Drawing {
  readonly model: Model;
  readonly view: View;
  readonly pictures: Asked["pictures"];
  readonly change: Asked["change"];
}

function Pictures({ view, pictures, change }: Drawing): JSX.Element | null {
  const { row, lit, grants, shownAt, isPast } = view;
  if (row === null) return null;
  const says = lit.active.at(-1) ?? "not known";
  return h(
    "div",
    { class: "pictures" },
    h(
      "section",
      { class: "life", "aria-label": "The account's statechart" },
      h(Chart, {
        glance: pictures[glanceName("account", grants)],
        whole: pictures[pictureName("account", grants)],
        lit,
        isFresh: isFresh(lit, shownAt, isPast),
        share: 0.48,
        label: `Statechart of ${row.provider} ${row.account}: ${says}. ${wayOf(lit, shownAt)}`,
        caption: [
          h("b", null, says),
          wayOf(lit, shownAt),
          lit.held.length > 0 &&
            h("p", null, "Dashed: a process's chart stands in ", h("b", null, lit.held.at(-1)), "."),
        ],
      }),
    ),
    h(
      "div",
      { class: "side" },
      h(BesideChart, { view, pictures, onBeside: (beside) => change({ beside }) }),
      h(Waiting, { view }),
    ),
  );
}

/** ` · deciding → authenticated · survey ended · process 123 · 12 s ago` */
function wayOf({ by, taken }: Lit, shownAt: number): string {
  if (by === null) return " · no event is known";
  const arrows = taken.map((ends) => ends.split(">").filter((end) => end !== "")).filter((ends) => ends.length > 1);
  const way = arrows.map((ends) => ` · ${ends.join(" → ")}`).join("");
  return `${way} · ${whatOf(by).head} · process ${by.pid} · ${away(Date.parse(by.at), shownAt)}`;
}

/** What to do when nothing is there to be looked at. */
function Advice({
  view: { rows, isPast },
  link,
}: {
  readonly view: View;
  readonly link: Model["link"];
}): JSX.Element | null {
  if (isPast || rows.some(({ state }) => state !== "idle" && state !== "disabled")) return null;
  if (link === "connecting") return null;
  const [first] = rows;
  const command = `llxprt-auth ${first?.provider ?? "<provider>"} login`;
  return h(
    "p",
    { class: "advice" },
    "Nobody is signed in. Sign in from a terminal, and watch it here: ",
    h("code", { class: "command" }, command),
  );
}

function emptyWords({ records, isPast }: View): string {
  if (records.length > 0) return "No event matches. Take some of the words away, or choose every provider and process.";
  if (isPast) return "There is no line of a journal in this file.";
  return "Nothing has happened yet. Whatever a process changes is listed here: a sign-in, a refresh, a sign-out.";
}

/** For who listens to the page: the newest event, or the one whose moment is looked at. */
function News({ view: { records, chosen, isPast } }: { readonly view: View }): JSX.Element {
  const told = chosen ?? (isPast ? undefined : records.at(-1));
  const state = told?.move === undefined ? "" : stateWords(told.move.value).says;
  const when = isPast ? "The past: " : "";
  const words = told === undefined ? "" : `${when}${told.provider} ${told.account}: ${whatOf(told).head} ${state}`;
  return h("p", { class: "unseen", "aria-live": "polite" }, words);
}
