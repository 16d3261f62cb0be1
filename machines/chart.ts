// A statechart as plain data, for whoever draws it: states with what is said of them, and transitions with their events and
// guards. Pure; nothing of it is needed to run a chart.
import type { Grant } from "../providers/provider.ts";
import { credentialMachine } from "./credential.ts";
import { deviceLogin } from "./login/device.ts";
import { loopbackLogin } from "./login/loopback.ts";
import { pasteLogin } from "./login/paste.ts";
import { refreshProtocol } from "./refresh.ts";

export interface DrawnState {
  /** Names from the outermost state to this one, with dots between them. */
  readonly path: string;
  /** Path of the state around it; empty: the chart itself. */
  readonly parent: string;
  readonly description: string;
  readonly kind: "atomic" | "compound" | "final";
  /** Entered with its parent, or with the chart. */
  readonly isInitial: boolean;
  /** Effects that run while the chart stands in it. */
  readonly effects: readonly string[];
}

export interface DrawnTransition {
  /** A state's path; empty: from any state. */
  readonly source: string;
  /** Null: the chart stays where it is. */
  readonly target: string | null;
  /** As it is sent; empty: at once. */
  readonly event: string;
  readonly guard: string | null;
  readonly actions: readonly string[];
}

export interface DrawnChart {
  readonly states: readonly DrawnState[];
  readonly transitions: readonly DrawnTransition[];
}

/** An account's life, the ways to sign in, and the refresh protocol, which no actor runs. */
export const chartNames = ["account", "loopback", "paste", "device", "refresh"] as const;

export type ChartName = (typeof chartNames)[number];

/** What `drawn` and whoever asks for a chart's definition needs of it. */
export interface Chart {
  readonly root: unknown;
  readonly config: object;
}

/** @param grants of the account, preferred first */
export function chartOf(name: ChartName, grants: readonly [Grant, ...Grant[]]): Chart {
  const all = { loopback: loopbackLogin, paste: pasteLogin, device: deviceLogin, refresh: refreshProtocol };
  return name === "account" ? credentialMachine("account", grants) : all[name];
}

interface Named {
  readonly type?: string;
}

/** The part of XState's tree that is looked at. */
interface Node {
  readonly path: readonly string[];
  readonly key: string;
  readonly type: string;
  readonly description?: string | undefined;
  readonly parent?: Node | undefined;
  readonly config: { readonly initial?: unknown };
  readonly states: Readonly<Record<string, Node>>;
  readonly invoke: readonly { readonly id: string }[];
  readonly transitions: ReadonlyMap<string, readonly Edge[]>;
  readonly always?: readonly Edge[] | undefined;
}

interface Edge {
  readonly source: Node;
  readonly target?: readonly Node[] | undefined;
  readonly eventType: string;
  readonly guard?: string | Named | undefined;
  readonly actions: readonly (string | Named)[];
}

/** What a chart looks like, whoever made it. */
export function drawn({ root }: Chart): DrawnChart {
  const nodes = [...nodesIn(root as Node)];
  return { states: nodes.slice(1).map(stateOf), transitions: nodes.flatMap(transitionsOf) };
}

function* nodesIn(at: Node): Generator<Node> {
  yield at;
  for (const child of Object.values(at.states)) yield* nodesIn(child);
}

function stateOf({ path, key, type, description = "", parent, invoke }: Node): DrawnState {
  const kind = type === "compound" || type === "final" ? type : "atomic";
  return {
    path: path.join("."),
    parent: parent?.path.join(".") ?? "",
    description,
    kind,
    isInitial: parent?.config.initial === key,
    effects: invoke.map(({ id }) => id),
  };
}

function transitionsOf({ transitions, always = [] }: Node): DrawnTransition[] {
  return [...[...transitions.values()].flat(), ...always].map(({ source, target, eventType, guard, actions }) => ({
    source: source.path.join("."),
    target: target === undefined ? null : target.map(({ path }) => path.join(".")).join(","),
    event: eventType,
    guard: guard === undefined ? null : nameOf(guard),
    actions: actions.map(nameOf),
  }));
}

function nameOf(part: string | Named): string {
  return typeof part === "string" ? part : (part.type ?? "unnamed");
}
