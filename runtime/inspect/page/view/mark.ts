// The small shape beside a state's name, drawn so that it needs no font and no colour to be told from the others.
import { h, type JSX } from "preact";
import { stateWords, type Mark } from "./words.ts";

const shapes: Readonly<Record<Mark, readonly (readonly [string, Readonly<Record<string, string>>])[]>> = {
  full: [["circle", { cx: "6", cy: "6", r: "5", class: "fill" }]],
  half: [
    ["circle", { cx: "6", cy: "6", r: "4.5" }],
    ["path", { d: "M6 1.5a4.5 4.5 0 0 1 0 9z", class: "fill" }],
  ],
  wait: [
    ["circle", { cx: "6", cy: "6", r: "4.5" }],
    ["path", { d: "M6 3.2V6l2 1.4" }],
  ],
  ring: [["circle", { cx: "6", cy: "6", r: "4.5" }]],
  cross: [["path", { d: "M2.2 2.2l7.6 7.6M9.8 2.2L2.2 9.8", class: "bold" }]],
  stop: [
    ["rect", { x: "1.2", y: "1.2", width: "9.6", height: "9.6", rx: "2" }],
    ["path", { d: "M6 3.4v3.2M6 8.4v.4", class: "bold" }],
  ],
  dash: [["path", { d: "M2 6h8", class: "bold" }]],
  dot: [["circle", { cx: "6", cy: "6", r: "1.5", class: "fill" }]],
};

/** The mark and the words of a state. */
export function State({
  state,
  isWord = false,
}: {
  readonly state: string | null;
  readonly isWord?: boolean;
}): JSX.Element {
  const { says, mark, tone } = stateWords(state);
  const drawn = shapes[mark].map(([name, members]) => h(name, members));
  return h(
    "span",
    { class: `state ${tone}` },
    h("svg", { class: "mark", viewBox: "0 0 12 12", width: "12", height: "12", "aria-hidden": "true" }, drawn),
    isWord ? (state ?? says) : says,
  );
}
