// What a protocol is: how a conversation becomes requests below the API's base, and how an answer reads. Pure.
//
// A protocol never sees a credential or an address, and hands on no text of a reply but the answer.
import type { Assistance } from "../../../providers/provider.ts";
import type { Members } from "./members.ts";

/** One turn of a conversation. */
export interface Message {
  readonly role: "user" | "assistant";
  readonly text: string;
}

export interface Question {
  readonly provider: string;
  readonly model: string;
  readonly messages: readonly Message[];
  /** Project in which the API is used, where it wants one; null: none is known. */
  readonly project: string | null;
  readonly assistance: Assistance | null;
  /** What a person can do whose account is not served. */
  readonly instead: string | null;
  /** Random: names this question for those who look for it in the provider's logs. */
  readonly id: string;
}

/** One request: what comes after the API's base, and the members of its JSON body. */
export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: Members | null;
}

/** A call of those that come before the question. */
export interface Preparation extends Call {
  /** How long to wait before it (ms). */
  readonly pauseMs: number;
  /** A reason with which it may fail, and the conversation goes on without its reply. */
  readonly mayFailFor: string | null;
}

/** Asks what has to be asked first. @returns the question, completed @throws AuthError */
export type Prepare = (question: Question) => Generator<Preparation, Question, Members | null>;

/** What an event of a stream means. Null: nothing to us. */
export type Heard =
  | { readonly kind: "piece"; readonly text: string }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly members: Members };

export interface Protocol {
  readonly prepare: Prepare | null;
  readonly call: (question: Question) => Call;
  /** The answer's text in one reply, or in events. Null: there is none in it. */
  readonly answer:
    | { readonly kind: "whole"; readonly read: (reply: Members) => string | null }
    | { readonly kind: "events"; readonly read: (event: Members) => Heard | null };
}

/** Said to models that want to be told something; nobody else's words. */
export const instructions = "You are a helpful assistant.";

export function post(path: string, body: Members): Call {
  return { method: "POST", path, body };
}
