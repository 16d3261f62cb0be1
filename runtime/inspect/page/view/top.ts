// The page's head: what is looked at, whether it is live, and the door for a journal that somebody sent.
import { h, type JSX } from "preact";
import type { JournalFile } from "./journal-file.ts";
import type { Link, View } from "./model.ts";
import { away, clock } from "./times.ts";
import { whatOf } from "./words.ts";

interface Asked {
  readonly home: string | null;
  readonly link: Link;
  readonly file: JournalFile | null;
  readonly onFile: (file: File) => void;
}

const links: Readonly<Record<Link, string>> = {
  connecting: "connecting",
  live: "live",
  reconnecting: "reconnecting",
  ended: "the command has ended",
};

export function Top({ home, link, file, onFile }: Asked): JSX.Element {
  return h(
    "header",
    { class: "top" },
    h("strong", null, "llxprt-auth"),
    h("span", { class: "home" }, file === null ? (home ?? "") : file.name),
    h("span", { class: `link ${link}`, role: "status" }, h("i", { "aria-hidden": "true" }), links[link]),
    h(
      "label",
      { class: "door", title: "Or drop one anywhere on the page. It is read here and goes nowhere." },
      h("input", {
        type: "file",
        accept: ".jsonl,.json,.txt",
        "aria-label": "Open a journal",
        onChange: (event) => {
          const [chosen] = event.currentTarget.files ?? [];
          if (chosen !== undefined) onFile(chosen);
          event.currentTarget.value = "";
        },
      }),
      "Open a journal…",
    ),
  );
}

interface Then {
  readonly view: View;
  readonly file: JournalFile | null;
  readonly now: number;
  readonly onLive: () => void;
  readonly onClose: () => void;
}

/** Says that it is not the present that is shown. */
export function Past({ view, file, now, onLive, onClose }: Then): JSX.Element | null {
  const { chosen, shownAt, records } = view;
  if (!view.isPast) return null;
  const place = chosen === null ? records.length : records.indexOf(chosen) + 1;
  const words = chosen === null ? "at its end" : `after “${whatOf(chosen).head}”`;
  const unread = file === null || file.unread === 0 ? "" : ` ${file.unread} lines are no records and were passed over.`;
  return h(
    "div",
    { class: "past" },
    h(
      "p",
      null,
      h("b", null, file === null ? "The past: " : "A journal: "),
      records.length === 0
        ? "no line of it is a record of this version."
        : `${clock(shownAt, now)}, ${away(shownAt, now)}, ${words} (${place} of ${records.length}).${unread}`,
    ),
    chosen !== null &&
      h(
        "button",
        { type: "button", onClick: onLive },
        file === null ? "Back to live" : "To its end",
        h("kbd", null, "Esc"),
      ),
    file !== null &&
      h("button", { type: "button", onClick: onClose }, "Close the journal", chosen === null && h("kbd", null, "Esc")),
  );
}
