// A journal that is kept as a test: `NAME.jsonl` as it was, and beside it `NAME.json`: how things stood, and what `explain`
// said then. Without the second file a journal is only played again.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { providers } from "../../providers/index.ts";
import type { Grant } from "../../providers/provider.ts";
import { recordsAbout, sceneOf } from "../../runtime/inspect/explain.ts";
import { recordsInText } from "../../runtime/inspect/lines.ts";
import type { JournalRecord } from "../../runtime/inspect/record.ts";
import { replay, type Replayed } from "../../runtime/inspect/replay.ts";
import { type Scene, storyOf } from "../../runtime/inspect/story.ts";
import { pathsIn } from "../../runtime/store/names.ts";
import { createPendingStore } from "../../runtime/store/pending.ts";
import { createSpendStore } from "../../runtime/store/spend.ts";
import { createStore } from "../../runtime/store/store.ts";
import { look } from "../../runtime/survey.ts";

/** How things stood. */
interface Stood {
  readonly provider: string;
  readonly account: string;
  readonly scene: Scene;
}

export interface Told extends Stood {
  readonly sentences: readonly string[];
  readonly next: string | null;
  /** Where each statechart came to, in the order of their beginnings. */
  readonly ends: readonly string[];
}

const pathOf = (file: string): string => join(import.meta.dirname, file);

/** The names of the journals that are kept. */
export const journalsThere = (): string[] =>
  globSync("*.jsonl", { cwd: import.meta.dirname })
    .map((file) => basename(file, ".jsonl"))
    .toSorted();

export const textOf = (name: string): string => readFileSync(pathOf(`${name}.jsonl`), "utf8");

/** Null: there is none. */
export function toldFile(name: string): Told | null {
  try {
    return JSON.parse(readFileSync(pathOf(`${name}.json`), "utf8")) as Told;
  } catch {
    return null;
  }
}

export function write(name: string, told: Told): void {
  writeFileSync(pathOf(`${name}.json`), `${JSON.stringify(told, null, 2)}\n`);
}

const grantsOf = (provider: string): readonly Grant[] | null =>
  Object.hasOwn(providers, provider) ? providers[provider as keyof typeof providers].grants : null;

export const replayed = (records: readonly JournalRecord[]): Replayed[] => [...replay(records, grantsOf)];

/** What the renderer and the charts of today make of it. */
export function explainedAgain(name: string, { scene, ...who }: Stood): Pick<Told, "sentences" | "next" | "ends"> {
  const records = recordsInText(textOf(name));
  const { sentences, next } = storyOf(who, recordsAbout(records, who), scene);
  const ends = new Map<string, string>();
  for (const { record, value } of replayed(records))
    ends.set(`${record.pid} ${record.move.actor} ${record.move.machine}`, `${record.move.machine}: ${String(value)}`);
  return { sentences, next, ends: [...ends.values()] };
}

/** How things stand in a home folder. */
export function sceneIn(home: string, provider: keyof typeof providers): Scene {
  const paths = pathsIn(home);
  const spend = createSpendStore(paths);
  const host = { now: Date.now, userHome: home, environment: {} };
  const grounds = { host, store: createStore(paths, Date.now), pending: createPendingStore(paths), spend };
  const findings = look(grounds, providers[provider], "default");
  const { survey, ...others } = sceneOf(spend, { provider, account: "default" }, findings, false);
  // Nobody's name is needed to tell the story.
  const facts = survey.facts === null ? null : { ...survey.facts, identity: null };
  return { ...others, survey: { ...survey, facts } };
}
