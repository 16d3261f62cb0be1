// What is asked of the list of events: words, provider, process, kind, and whether of one account alone.
import { h, type JSX } from "preact";
import type { Numbered } from "./seen.ts";
import { choicesIn, type Kind, type Sift } from "./sift.ts";

interface Asked {
  readonly records: readonly Numbered[];
  /** So many are listed. */
  readonly found: number;
  readonly sift: Sift;
  readonly onSift: (change: Partial<Sift>) => void;
}

const kinds: readonly (readonly [Kind, string])[] = [
  ["all", "steps and transitions"],
  ["steps", "steps"],
  ["transitions", "transitions"],
  ["errors", "errors"],
];

export function Sieve({ records, found, sift, onSift }: Asked): JSX.Element {
  const { providers, pids } = choicesIn(records);
  const choice = (label: string, value: string, options: readonly (readonly [string, string])[], to: keyof Sift) =>
    h(
      "select",
      {
        "aria-label": label,
        value,
        onChange: ({ currentTarget }) => onSift({ [to]: (currentTarget as HTMLSelectElement).value }),
      },
      options.map(([word, says]) => h("option", { key: word, value: word }, says)),
    );
  return h(
    "div",
    { class: "sieve" },
    h("h2", null, "Events"),
    h("span", { class: "count" }, found === records.length ? `${found}` : `${found} of ${records.length}`),
    h("input", {
      type: "search",
      class: "find",
      id: "find-event",
      value: sift.text,
      placeholder: "Find ( / )",
      "aria-label": "Find an event",
      onInput: (event) => onSift({ text: event.currentTarget.value }),
    }),
    choice("Kind", sift.kind, kinds, "kind"),
    choice("Provider", sift.provider, [["", "every provider"], ...same(providers)], "provider"),
    choice("Process", sift.pid, [["", "every process"], ...same(pids)], "pid"),
    h(
      "label",
      null,
      h("input", {
        type: "checkbox",
        checked: sift.isOwn,
        onChange: (event) => onSift({ isOwn: event.currentTarget.checked }),
      }),
      "only this account",
    ),
  );
}

const same = (words: readonly string[]): (readonly [string, string])[] => words.map((word) => [word, word]);
