// `replay FILE`: a journal fed to the statecharts of today under its own clock, as text or JSON. Exit code 1 when they would
// have decided otherwise somewhere. Starts no actor, and asks nobody.
import { journalText, printable, type Rerun, rerun } from "../../runtime/index.ts";
import { usage } from "../dispatch.ts";
import { exitCodes } from "../exit-codes.ts";
import { nameOf } from "../status-view.ts";
import { readAll } from "../terminal.ts";
import { relative } from "../when.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  words: 1,
  run: async ({ auth, flags, io, output, signal, words: [file = ""] }) => {
    if (file === "") throw await usage("`replay` needs a journal: a file, or - for standard input");
    const text = file === "-" ? ((await readAll(io, signal)) ?? "") : journalText(file);
    const { providers } = await auth();
    const { lines, differing, skipped, unread } = rerun(text, (name) => providers.get(name)?.grants ?? null);
    if (lines.length === 0)
      throw await usage(`there is no line of a journal in ${file === "-" ? "it" : printable(file, 200)}`);
    if (flags.json === true) output.json({ schema: 1, differing, skipped, unread, lines: lines.map(shape) });
    else for (const [index, line] of lines.entries()) output.data(lineOf(line, lines[index - 1]));
    const sum = differing === 0 ? "The statecharts of today decide the same" : `${differing} of them differ today`;
    const told = [`${lines.length} lines. ${sum}.`];
    if (skipped > 0) told.push(`Not played, since their beginning is not there or their way had parted: ${skipped}.`);
    if (unread > 0) told.push(`Lines that are no records of this version: ${unread}.`);
    for (const sentence of told) output.say(sentence);
    return differing === 0 ? exitCodes.done : exitCodes.failed;
  },
};

/** Time (UTC), process, chart, event, from → to, timers; a line of its own for another day and for what differs. */
function lineOf({ record, from, today, differs, isSkipped }: Rerun, before: Rerun | undefined): string {
  const { at, pid, step, move } = record;
  const [day = "", time = ""] = at.replace("Z", "").split("T");
  const head = `${time}  ${String(pid).padStart(7)}  ${nameOf(record)}`;
  const isNewDay = before?.record.at.startsWith(day) !== true;
  const dated = isNewDay ? `${day}\n` : "";
  if (move === undefined)
    return `${dated}${head}  · ${[step, record.code, record.word].filter((word) => word != null).join(" ")}`;
  const timers = move.timers.map((timer) => `${timer.id} ${relative(timer.at, Date.parse(at))}`);
  const way = `${from === null ? "" : `${from} → `}${move.value}`;
  const rings = timers.length === 0 ? "" : `  [${timers.join(", ")}]`;
  const mark = differs ? "≠" : isSkipped ? "?" : " ";
  const other = today === move.value ? "the same state with other timers, or another end" : today;
  const more = differs ? `\n    ≠ today: ${other}` : "";
  return `${dated}${head} ${mark} ${move.machine}: ${move.event.type}: ${way}${rings}${more}`;
}

function shape({ record, from, today, differs, isSkipped }: Rerun): object {
  return { ...record, from, today, differs, skipped: isSkipped };
}
