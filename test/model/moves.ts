// How a state of the world leads to the next: what is told to whoever searches.
import type { State } from "./layout.ts";

/** `permit`: it may leave; `present`: a request leaves; `take`: the lock is taken; the others are no step of the protocol. */
export type Kind = "step" | "permit" | "present" | "take" | "start" | "kill" | "power" | "removal" | "signIn" | "time";

/** Nobody of ours: a person, the clock, the current. */
export const nobody = -1;

/**
 * @param n the state that is reached; the callee copies it
 * @param actor number of the process
 * @param isGood whether this is what happens when nothing goes wrong
 */
export type Emit = (n: State, kind: Kind, actor: number, what: string, isGood: boolean) => void;
