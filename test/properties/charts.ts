// The machines of this project, as the harness knows them: who adds a chart adds a line. Their transitions are counted from
// the charts themselves, so that "how many of them were taken" cannot drift from what there is.
import type { AnyStateNode, AnyTransitionDefinition } from "xstate";
import { credentialMachine } from "../../machines/credential.ts";
import { deviceLogin } from "../../machines/login/device.ts";
import { loopbackLogin } from "../../machines/login/loopback.ts";
import { pasteLogin } from "../../machines/login/paste.ts";
import { refreshProtocol } from "../../machines/refresh.ts";

export interface Chart {
  readonly id: string;
  readonly root: AnyStateNode;
}

export const everyGrant = ["loopback", "paste", "device"] as const;

/** By name; the credential machine is the same for every provider, but for its grants. */
export const charts: Readonly<Record<string, Chart>> = {
  credential: credentialMachine("credential", everyGrant),
  loopback: loopbackLogin,
  paste: pasteLogin,
  device: deviceLogin,
  refresh: refreshProtocol,
};

/** A transition's name: where it begins, on what, and which of several that is. */
export function nameOf(chart: string, { source, eventType }: AnyTransitionDefinition, index: number): string {
  const from = [chart, ...source.path].join(".");
  return `${from} ${eventType === "" ? "always" : eventType}${index === 0 ? "" : ` (${index + 1})`}`;
}

/** Every transition of a chart, by name. */
export function transitionsOf(name: string, { root }: Chart): Map<string, AnyTransitionDefinition> {
  const found = new Map<string, AnyTransitionDefinition>();
  const walk = (node: AnyStateNode): void => {
    for (const list of [...node.transitions.values(), node.always ?? []])
      list.forEach((one: AnyTransitionDefinition, index: number) => found.set(nameOf(name, one, index), one));
    for (const child of Object.values(node.states)) walk(child);
  };
  walk(root);
  return found;
}

/** The name of a transition that was taken. @param names how a chart's own id is called here */
export function takenName(one: AnyTransitionDefinition, credentialId: string): string {
  const { source, eventType } = one;
  const list: readonly AnyTransitionDefinition[] =
    eventType === "" ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const { id } = source.machine;
  return nameOf(id === credentialId ? "credential" : id, one, Math.max(0, list.indexOf(one)));
}
