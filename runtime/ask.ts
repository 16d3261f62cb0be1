// Asking a model, with whichever credential wins: a conversation in, its answer out.
//
// The credential decides where the question goes and in which protocol. What the API refuses becomes one of our errors,
// and no text of a reply is in any of them. An answer streams for as long as it likes, and half of one is none.
import type { Source } from "../machines/describe.ts";
import { AuthError } from "../machines/errors.ts";
import type { Account } from "./account.ts";
import type { Auth } from "./auth.ts";
import type { Access } from "./fetch.ts";
import { adviceFor, Line } from "./line.ts";
import type { Members } from "./wire/ask/members.ts";
import type { Message, Preparation, Question } from "./wire/ask/protocol.ts";
import { protocols } from "./wire/ask/protocols.ts";

export type { Message };

export interface AskOptions {
  /** Default: the provider's. */
  readonly model?: string | undefined;
  readonly account?: string | undefined;
  /** How to sign in when there is no login. Absent: never, it is an error then. */
  readonly signIn?: ((account: Account) => Promise<unknown>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told each piece of the answer as it arrives, where the protocol streams. */
  readonly onText?: ((text: string) => void) | undefined;
}

export interface Answer {
  readonly text: string;
  /** Of the credential that was used. */
  readonly source: Source;
  readonly model: string;
}

/**
 * Asks a provider's model.
 * @throws AuthError `api_*`, `key_rejected`, `reply_malformed`, `reply_too_large`, network codes, why there is no
 * credential; the signal's reason when aborted
 */
export async function ask(
  auth: Auth,
  provider: string,
  messages: readonly Message[],
  options: AskOptions = {},
): Promise<Answer> {
  const { signal = null } = options;
  signal?.throwIfAborted();
  if (messages.length === 0) {
    throw Object.assign(new TypeError("There is nothing to ask: messages is empty"), { code: "ERR_INVALID_ARG_VALUE" });
  }
  const access = await auth.access(provider, { ...options, signal });
  const { api, source, host } = access;
  const protocol = protocols[api.protocol];
  const model = options.model ?? api.model;
  const question: Question = {
    provider: access.provider.name,
    model,
    messages,
    project: protocol.prepare === null ? null : projectIn(access),
    assistance: access.provider.assistance,
    instead: adviceFor(access, "api_ineligible"),
    id: Buffer.from(host.randomBytes(16)).toString("hex"),
  };
  const line = new Line(access, signal);
  const complete = protocol.prepare === null ? question : await prepared(line, protocol.prepare(question));
  const { answer } = protocol;
  const call = protocol.call(complete);
  const text =
    answer.kind === "events"
      ? await line.listen(call, answer.read, options.onText)
      : answer.read(await line.json(call));
  if (text === null) throw line.malformed("no text in it");
  return { text, source, model };
}

async function prepared(line: Line, conversation: Generator<Preparation, Question, Members | null>): Promise<Question> {
  let next = conversation.next();
  while (next.done !== true) next = conversation.next(await line.step(next.value));
  return next.value;
}

/** The project that the environment names. @throws AuthError `project_needed` when that is a number */
function projectIn({ provider, host: { environment } }: Access): string | null {
  const variable = provider.assistance?.projectVariables.find((name) => (environment[name]?.trim() ?? "") !== "");
  const project = variable === undefined ? null : (environment[variable]?.trim() ?? null);
  if (project !== null && /^\d+$/.test(project)) {
    const detail = `${variable} holds its number; its id is wanted`;
    throw new AuthError("project_needed", { provider: provider.name, detail });
  }
  return project;
}
