// The lines of the journal as a list, the newest first. Only the rows that are seen are made; who has scrolled down stays
// where they are while new lines come in above.
import { h, type JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { rowsIn, stepBy, topFor } from "./rows.ts";
import type { Numbered } from "./seen.ts";
import type { Sift } from "./sift.ts";
import { clock } from "./times.ts";
import { whatOf } from "./words.ts";

interface Asked {
  /** The newest first. */
  readonly list: readonly Numbered[];
  readonly chosen: number | null;
  /** What was asked of the list; when that changes, the chosen one is to be seen again. */
  readonly sift: Sift;
  readonly now: number;
  /** What to say when there is none. */
  readonly empty: string;
  readonly onChoose: (n: number) => void;
}

const rowHeights = { wide: 28, narrow: 68 } as const;

export function Events({ list, chosen, sift, now, empty, onChoose }: Asked): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [{ height, width }, setSize] = useState({ height: 400, width: 800 });
  useEffect(() => {
    if (frame.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setSize({ height: entry.contentRect.height, width: entry.contentRect.width });
    });
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  const isNarrow = width < 560;
  const row = isNarrow ? rowHeights.narrow : rowHeights.wide;
  const opening = { top, height, row, count: list.length };

  const anchor = useRef<number | null>(null);
  useLayoutEffect(() => {
    const before = anchor.current;
    const held = before === null ? -1 : list.findIndex(({ n }) => n <= before);
    if (frame.current === null || top < row || held < 0) return;
    frame.current.scrollTop = held * row + (top % row);
  }, [list]);
  useLayoutEffect(() => {
    anchor.current = list[Math.floor(top / row)]?.n ?? null;
  });
  const place = chosen === null ? -1 : list.findIndex(({ n }) => n === chosen);
  useLayoutEffect(() => {
    // Back at the present, or with other words, one begins at the newest.
    if (frame.current !== null && (place >= 0 || chosen === null))
      frame.current.scrollTop = chosen === null ? 0 : topFor(place, opening);
  }, [chosen, sift]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = stepBy(event.key, place, opening);
    const record = next === null ? undefined : list[next];
    if (record === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onChoose(record.n);
  };
  const { first, end } = rowsIn(opening);
  return h(
    "div",
    {
      class: isNarrow ? "events narrow" : "events",
      ref: frame,
      tabIndex: 0,
      role: "listbox",
      "aria-label": "Events, the newest first",
      "aria-activedescendant": place >= first && place < end ? `event-${chosen}` : undefined,
      onScroll: ({ currentTarget }: { readonly currentTarget: HTMLElement }) => setTop(currentTarget.scrollTop),
      onKeyDown,
    },
    list.length === 0
      ? h("p", { class: "empty" }, empty)
      : h(
          "div",
          { class: "length", role: "none", style: { height: `${list.length * row}px` } },
          list.slice(first, end).map((record, index) => {
            const at = first + index;
            return h(Event, {
              key: record.n,
              record,
              at,
              top: at * row,
              of: list.length,
              isChosen: at === place,
              now,
              onChoose,
            });
          }),
        ),
  );
}

interface One {
  readonly record: Numbered;
  readonly at: number;
  readonly top: number;
  readonly of: number;
  readonly isChosen: boolean;
  readonly now: number;
  readonly onChoose: (n: number) => void;
}

function Event({ record, at, top, of, isChosen, now, onChoose }: One): JSX.Element {
  const { n, provider, account, pid } = record;
  const { head, text, code } = whatOf(record);
  return h(
    "div",
    {
      id: `event-${n}`,
      class: record.move === undefined ? "event step" : "event",
      role: "option",
      "aria-selected": isChosen,
      "aria-posinset": at + 1,
      "aria-setsize": of,
      style: { top: `${top}px` },
      onClick: () => onChoose(n),
    },
    h("span", { class: "at" }, clock(Date.parse(record.at), now)),
    h("span", { class: "pid" }, pid),
    h("span", { class: "who" }, account === "default" ? provider : `${provider} ${account}`),
    h("span", { class: "head" }, head),
    h("span", { class: "text", title: text }, text),
    code !== null && h("span", { class: "code" }, code),
  );
}
