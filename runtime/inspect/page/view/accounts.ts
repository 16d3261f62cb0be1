// The accounts, by provider: where each stands and what it waits for. Hundreds of them are looked through by typing.
import { h, type JSX } from "preact";
import { State } from "./mark.ts";
import type { Row } from "./model.ts";
import { wordsIn } from "./sift.ts";
import { away, lasting } from "./times.ts";
import { stateWords } from "./words.ts";

interface Asked {
  readonly rows: readonly Row[];
  readonly selected: string | null;
  readonly find: string;
  readonly shownAt: number;
  readonly onFind: (find: string) => void;
  readonly onSelect: (key: string) => void;
}

/** From so many on they are looked through rather than looked at. */
const many = 8;
/** From so many on, those that are not seen are not laid out. */
const hundreds = 60;

export function Accounts({ rows, selected, find, shownAt, onFind, onSelect }: Asked): JSX.Element {
  const words = wordsIn(find);
  const found = rows.filter(({ key, state }) => {
    const text = `${key} ${state ?? ""} ${stateWords(state).says}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const groups = [...Map.groupBy(found, ({ provider }) => provider)];
  return h(
    "nav",
    { class: "accounts", "aria-label": "Accounts" },
    rows.length > many &&
      h("input", {
        type: "search",
        class: "find",
        value: find,
        placeholder: `Find among ${rows.length} accounts`,
        "aria-label": "Find an account",
        onInput: (event) => onFind(event.currentTarget.value),
      }),
    h(
      "div",
      { class: rows.length > hundreds ? "groups long" : "groups" },
      groups.map(([provider, own]) =>
        h(
          "section",
          { key: provider, "aria-label": provider },
          h("h2", null, provider),
          h(
            "ul",
            null,
            own.map((row) => h(Account, { key: row.key, row, shownAt, isSelected: row.key === selected, onSelect })),
          ),
        ),
      ),
      found.length === 0 &&
        h("p", { class: "empty" }, rows.length === 0 ? "No account is known yet." : "No account matches."),
    ),
  );
}

interface One {
  readonly row: Row;
  readonly shownAt: number;
  readonly isSelected: boolean;
  readonly onSelect: (key: string) => void;
}

function Account({ row, shownAt, isSelected, onSelect }: One): JSX.Element {
  const { key, account, state, usable, expiresAt, nextTimerAt } = row;
  const ends =
    expiresAt === null
      ? null
      : expiresAt > shownAt
        ? `${lasting(expiresAt - shownAt)} left`
        : `ended ${away(expiresAt, shownAt)}`;
  const isOther = nextTimerAt !== null && nextTimerAt > shownAt && nextTimerAt !== expiresAt;
  const parts = [ends, isOther ? `due ${away(nextTimerAt, shownAt)}` : null].filter((part) => part !== null);
  return h(
    "li",
    null,
    h(
      "button",
      {
        type: "button",
        class: "account",
        "aria-current": isSelected ? "true" : undefined,
        onClick: () => onSelect(key),
      },
      h("span", { class: "name" }, account),
      h(
        "span",
        { class: "stands" },
        h(State, { state }),
        usable !== null && h("span", { class: "usable" }, usableWords[usable]),
        h("span", { class: "due" }, parts.join(" · ")),
      ),
    ),
  );
}

const usableWords = { yes: "usable", no: "not usable", unknown: "usable?" } as const;
