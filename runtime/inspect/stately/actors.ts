// Who acts in the journal, as the package of the hosted inspector wants to be told: one actor for each chart that runs for an
// account in a process, with the chart's definition.
//
// What names them leaves this machine. A name of an account may be somebody's address, so a number goes in its place; of a
// chart goes what it looks like, which is the same everywhere, and nothing of what it knows.
import { chartOf } from "../../../machines/chart.ts";
import type { Grant } from "../../../providers/provider.ts";
import { definition } from "../definition.ts";
import type { Move } from "../move.ts";
import type { JournalRecord } from "../record.ts";

/** A provider's grants, preferred first; null for one that there is not (any more). */
export type GrantsOf = (provider: string) => readonly Grant[] | null;

/** As much of a running actor as the package looks at when it is fed by hand (0.7.2, `createInspector`). */
export interface Actor {
  readonly sessionId: string;
  readonly name: string;
  readonly logic: { readonly config: object };
  readonly _parent?: Actor;
  readonly send: () => void;
  readonly getSnapshot: () => undefined;
}

/** An account's life in one process and the login machines inside it, by their numbers. */
interface Family {
  readonly root: Actor | null;
  readonly members: ReadonlyMap<number, Actor>;
}

/** Processes come and go: those that were silent for longest are forgotten, and told of anew if they speak again. */
const mostFamilies = 200;

/** @returns the actor that a transition belongs to, and whether it was unknown until now; null when its chart is unknown */
export function createActors(
  grantsOf: GrantsOf,
): (record: JournalRecord, move: Move) => { readonly actor: Actor; readonly isNew: boolean } | null {
  const families = new Map<string, Family>();
  const aliasOf = createAliases();
  const configOf = createConfigs(grantsOf);
  let count = 0;

  return ({ pid, provider, account }, { machine, actor: number, event }) => {
    const config = configOf(provider, machine);
    if (config === null) return null;
    const key = `${pid} ${provider} ${account}`;
    const isRoot = machine === "account";
    // A life that begins again in the same process counts its charts anew.
    const begins = isRoot && event.type === "xstate.init";
    const { root, members } = (begins ? undefined : families.get(key)) ?? { root: null, members: new Map() };
    const known = members.get(number);
    const alias = aliasOf(provider, account);
    const actor: Actor = known ?? {
      sessionId: `${alias}:${machine}:${pid}:${(count += 1)}`,
      name: `${alias} ${machine}, process ${pid}`,
      logic: { config },
      ...(isRoot || root === null ? {} : { _parent: root }),
      send: () => undefined,
      getSnapshot: () => undefined,
    };
    families.delete(key);
    families.set(key, { root: isRoot ? actor : root, members: new Map([...members, [number, actor]]) });
    if (families.size > mostFamilies) families.delete([...families.keys()][0] ?? "");
    return { actor, isNew: known === undefined };
  };
}

/** `acme` for the default account, else `acme-1`, `acme-2` in the order in which they turn up. No provider's name has a `-`. */
function createAliases(): (provider: string, account: string) => string {
  const numbers = new Map<string, Map<string, number>>();
  return (provider, account) => {
    if (account === "default") return provider;
    const known = numbers.get(provider) ?? new Map<string, number>();
    numbers.set(provider, known.set(account, known.get(account) ?? known.size + 1));
    return `${provider}-${known.get(account)}`;
  };
}

/** A chart's definition as plain data: names only, and none of the code that the package would name as well. */
function createConfigs(grantsOf: GrantsOf): (provider: string, machine: Move["machine"]) => object | null {
  const made = new Map<string, object>();
  return (provider, machine) => {
    const [first, ...others] = grantsOf(provider) ?? [];
    if (first === undefined) return null;
    const key = [machine, first, ...others].join(" ");
    const config = made.get(key) ?? (JSON.parse(definition(chartOf(machine, [first, ...others]))) as object);
    made.set(key, config);
    return config;
  };
}
