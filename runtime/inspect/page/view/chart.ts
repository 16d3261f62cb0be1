// A statechart in a frame of its own that scrolls and zooms: wide enough to be read, and what is lit in sight.
import { h, type ComponentChildren, type JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { lampOf } from "./lamp.ts";
import type { Lit } from "./lit.ts";

interface Asked {
  /** The chart with its states close together; undefined: not here yet. */
  readonly glance: string | undefined;
  /** The same with room for what stands at every arrow. */
  readonly whole: string | undefined;
  readonly lit: Lit;
  readonly isFresh: boolean;
  /** What the picture shows, for who does not see it. */
  readonly label: string;
  /** So much of the window's height it may take at first. */
  readonly share: number;
  /** What stands below it, beside the zoom. */
  readonly caption: ComponentChildren;
}

/** Below this a state's name is not readable; above, the chart is only large. */
const smallest = 0.62;
/** What stands at the arrows is smaller than the names of states. */
const smallestNamed = 1.1;
const largest = 1.1;
const stepOf = 1.25;

export function Chart({ glance, whole, lit, isFresh, label, share, caption }: Asked): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const [isNamed, setNamed] = useState(false);
  const picture = isNamed ? whole : glance;
  const lamp = useMemo(() => (picture === undefined ? null : lampOf(picture)), [picture]);
  // Null: as wide as there is room.
  const [zoom, setZoom] = useState<number | null>(null);
  const [room, setRoom] = useState(0);

  useLayoutEffect(() => {
    frame.current?.replaceChildren(...(lamp === null ? [] : [lamp.svg]));
  }, [lamp]);
  useEffect(() => {
    if (frame.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => setRoom(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);

  const fit = lamp === null ? 1 : Math.min(largest, room / lamp.width, (share * innerHeight) / lamp.height);
  const scale = zoom ?? Math.max(isNamed ? smallestNamed : smallest, fit);
  useLayoutEffect(() => {
    lamp?.svg.setAttribute("width", String(Math.floor(lamp.width * scale)));
    lamp?.svg.setAttribute("height", String(Math.floor(lamp.height * scale)));
  }, [lamp, scale]);
  useLayoutEffect(() => lamp?.light(lit, isFresh), [lamp, lit, isFresh]);
  const place = lit.active.join();
  useLayoutEffect(() => keepInSight(frame.current, lamp?.spot() ?? null), [lamp, place, scale, room]);

  const by = (factor: number): void => setZoom(Math.max(0.2, Math.min(4, scale * factor)));
  const keys: Readonly<Record<string, () => void>> = {
    "+": () => by(stepOf),
    "=": () => by(stepOf),
    "-": () => by(1 / stepOf),
    "0": () => setZoom(null),
    n: () => setNamed(!isNamed),
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const work = event.ctrlKey || event.metaKey ? undefined : keys[event.key];
    if (work === undefined) return;
    event.preventDefault();
    work();
  };
  return h(
    "div",
    { class: "chart" },
    h("div", {
      class: isNamed ? "frame named" : "frame",
      ref: frame,
      tabIndex: 0,
      role: "group",
      "aria-label": label,
      onKeyDown,
    }),
    h(
      "div",
      { class: "foot" },
      h("div", { class: "caption" }, caption),
      h(
        "div",
        { class: "zoom", role: "group", "aria-label": "How the chart is shown" },
        h(
          "button",
          {
            type: "button",
            "aria-pressed": isNamed,
            title: "Events and guards at every arrow (n)",
            onClick: keys["n"],
          },
          "Names",
        ),
        h("button", { type: "button", "aria-label": "Smaller", title: "Smaller (-)", onClick: keys["-"] }, "−"),
        h("button", { type: "button", title: "As wide as there is room (0)", onClick: keys["0"] }, "Fit"),
        h("button", { type: "button", "aria-label": "Larger", title: "Larger (+)", onClick: keys["+"] }, "+"),
      ),
    ),
  );
}

/** Scrolls the frame alone, and only if the state is not seen. */
function keepInSight(frame: HTMLElement | null, spot: Element | null): void {
  if (frame === null || spot === null) return;
  const [around, own] = [frame.getBoundingClientRect(), spot.getBoundingClientRect()];
  const isSeen = own.left >= around.left && own.right <= around.right;
  if (!isSeen) frame.scrollLeft += own.left + own.width / 2 - around.left - around.width / 2;
  const isSeenDown = own.top >= around.top && own.bottom <= around.bottom;
  if (!isSeenDown) frame.scrollTop += own.top + own.height / 2 - around.top - around.height / 2;
}
