// The parts of docs/refresh-protocol.md that the code itself tells: the chart's drawing and states, and what the check
// finds when a step is left out.
import type { RefreshState } from "../../machines/refresh.ts";
import { removable } from "../model/bounds.ts";
import { descriptionOf, edges, stateNames } from "../model/chart.ts";
import { missed } from "../model/missed.ts";

/** What a process that dies in a state leaves to the next one. */
const deaths: Readonly<Record<RefreshState, string>> = {
  locking: "Nothing.",
  rereading: "Nothing.",
  weighing: "What it found: the permit still stands.",
  preparing: "Room that is used again.",
  prepared: "Nothing yet, or a permit: then the token counts as presented, although it was not.",
  permitted: "A token in doubt.",
  replied: "A token in doubt, until the seal is there; then nothing but the token file to write.",
  unsealed: "A token in doubt, until the token file is replaced.",
  sealed: "The seal: it is salvaged.",
  salvaging: "The seal: it is salvaged.",
  checkpointed: "Files that match no login any more.",
  refused: "The refusal, or a token in doubt: presented again, it is refused again.",
  interrupted: "What it found.",
  blocked: "The seal, which nobody else can read either.",
  unprocessed: "A permit that is taken for a presentation in doubt.",
  unanswered: "A token in doubt, and nobody who waits for it.",
  discarding: "Files that match no login, and tokens that end by themselves.",
  releasing: "Nothing: the kernel gives the lock back.",
};

/** The chart in Mermaid's language. */
function drawing(): string {
  const arrows = edges.map(({ from, event, to }) => `    ${from} --> ${to === "done" ? "[*]" : to}: ${event}\n`);
  return `stateDiagram-v2\n    [*] --> ${stateNames[0]}\n${arrows.join("")}`;
}

/** The states as the rows of a table. */
function stateRows(): string {
  const rows = stateNames.flatMap((name) => {
    if (name === "done") return [];
    const answers = edges.filter(({ from }) => from === name).map(({ event, to }) => `\`${event}\` → ${to}`);
    return [`| \`${name}\` | ${descriptionOf(name)} | ${answers.join(", ")} | ${deaths[name]} |\n`];
  });
  return `| state | what is true, and what is done | what comes of it | who dies there leaves |\n|---|---|---|---|\n${rows.join("")}`;
}

/** What is broken without a step, and on how short a way, as the rows of a table. */
function stepRows(): string {
  const rows = Object.entries(removable).map(([name, says]) => {
    const broken = missed.filter(({ without }) => without === name);
    const ways = broken.map(({ breaks, steps }) => `${breaks} (${steps} steps)`);
    return `| \`${name}\` | ${says} | ${ways.join(", ")} |\n`;
  });
  return `| step | what is done | broken without it |\n|---|---|---|\n${rows.join("")}`;
}

/** The page with these parts as the chart has them now. */
export function drawn(page: string): string {
  return page
    .replace(/(?<=```mermaid\n)stateDiagram-v2\n[\s\S]*?(?=```)/, drawing)
    .replace(/\| state \| what is true[^\n]*\n(?:\|[^\n]*\n)*/, stateRows)
    .replace(/\| step \| what is done[^\n]*\n(?:\|[^\n]*\n)*/, stepRows);
}
