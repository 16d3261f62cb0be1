// The line that was chosen, whole: in words, with what its error means, and as it stands in the journal.
import { h, type JSX } from "preact";
import { State } from "./mark.ts";
import type { Numbered } from "./seen.ts";
import { time } from "./subject.ts";
import { errorWords, whatOf } from "./words.ts";

export function Detail({ record, now }: { readonly record: Numbered; readonly now: number }): JSX.Element {
  const { n, ...told } = record;
  const { head, text, code } = whatOf(record);
  const error = code === null ? null : errorWords(code, record);
  return h(
    "aside",
    { class: "detail", "aria-label": "The chosen event" },
    h("h3", null, head),
    h("p", { class: "where" }, `${record.provider} ${record.account} · process ${record.pid}`),
    h("p", { class: "where" }, time(Date.parse(record.at), now)),
    record.move?.machine === "account" && h("p", null, h(State, { state: record.move.value })),
    h("p", null, text),
    code !== null && h("p", null, h("span", { class: "code" }, code), error !== null && ` ${error.says}`),
    error?.next != null && h("p", null, h("code", { class: "command" }, error.next)),
    h(
      "details",
      null,
      h("summary", null, `Line ${n + 1} as JSON`),
      h("pre", { tabIndex: 0 }, JSON.stringify(told, null, 2)),
    ),
  );
}
