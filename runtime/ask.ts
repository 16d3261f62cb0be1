// Asking a model, with whichever credential wins: a conversation in, its answer out.
//
// The credential decides where the question goes and in which protocol. What the API refuses becomes one of our errors,
// and no text of a reply is in any of them. An answer streams for as long as it likes, and half of one is none.
import { setTimeout as pause } from "node:timers/promises";
import type { Source } from "../machines/describe.ts";
import { AuthError } from "../machines/errors.ts";
import type { Provider } from "../providers/provider.ts";
import type { Account } from "./account.ts";
import type { Auth } from "./auth.ts";
import type { Access } from "./fetch.ts";
import { textOf } from "./wire/ask/body.ts";
import { eventReader } from "./wire/ask/events.ts";
import { type Members, objectAt } from "./wire/ask/members.ts";
import type { Call, Heard, Message, Preparation, Question } from "./wire/ask/protocol.ts";
import { protocols } from "./wire/ask/protocols.ts";
import { errorCodes, refusalOf, type Refused, refused } from "./wire/ask/refusal.ts";
import { objectIn } from "./wire/claims.ts";
import { networkCode } from "./wire/failure.ts";

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
  const access = await auth.access(provider, { ...options, signal });
  const { api, source, host } = access;
  const protocol = protocols[api.protocol];
  const model = options.model ?? api.model;
  const question: Question = {
    provider: access.provider.name,
    model,
    messages,
    project: projectIn(access),
    assistance: access.provider.assistance,
    instead: adviceFor(access.provider, "api_ineligible", source),
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

const maxReplyBytes = 1024 * 1024;
const maxErrorBytes = 65_536;

/** The line to the API: calls in, what was said out, and every failure one of ours. */
class Line {
  readonly #access: Access;
  readonly #signal: AbortSignal | null;

  constructor(access: Access, signal: AbortSignal | null) {
    this.#access = access;
    this.#signal = signal;
  }

  /** A step of those that come first. Null: it failed for the reason for which it may. */
  async step(call: Preparation): Promise<Members | null> {
    if (call.pauseMs > 0)
      await pause(call.pauseMs, undefined, { signal: this.#signal ?? undefined }).catch(this.#broken);
    const response = await this.#send(call, "application/json");
    if (response.ok) return this.#membersOf(response);
    const refusal = await this.#refusedBy(response);
    if (call.mayFailFor !== null && errorCodes(refusal.members).includes(call.mayFailFor)) return null;
    throw this.#refusal(refusal);
  }

  /** A call that is answered by one JSON object. */
  async json(call: Call): Promise<Members> {
    const response = await this.#send(call, "application/json");
    if (!response.ok) throw this.#refusal(await this.#refusedBy(response));
    return this.#membersOf(response);
  }

  /** A call that is answered by events. @returns the text of all of them */
  async listen(
    call: Call,
    read: (event: Members) => Heard | null,
    onText?: (text: string) => void,
  ): Promise<string | null> {
    const response = await this.#send(call, "text/event-stream");
    if (!response.ok) throw this.#refusal(await this.#refusedBy(response));
    if (!/^\s*text\/event-stream\b/i.test(response.headers.get("content-type") ?? "")) {
      await this.#membersOf(response);
      throw this.malformed("no event stream");
    }
    const reader = eventReader();
    let text = "";
    for await (const bytes of this.#chunks(response)) {
      const events = reader.feed(bytes);
      if (events === null) throw this.#error("reply_too_large");
      for (const heard of events.map((data) => read(objectIn(data) ?? {}))) {
        if (heard?.kind === "end") return text === "" ? null : text;
        if (heard?.kind === "failed") throw this.#refusal({ ...headOf(response), members: heard.members });
        if (heard === null) continue;
        text += heard.text;
        onText?.(heard.text);
      }
    }
    throw this.malformed("it broke off");
  }

  malformed(detail: string): AuthError {
    return this.#error("reply_malformed", detail);
  }

  async #send(call: Call, accept: string): Promise<Response> {
    const { method, path, body } = call;
    return this.#access.send(
      ({ base }) =>
        new Request(base.replace(/\/$/, "") + path, {
          method,
          headers: { accept, ...(body !== null && { "content-type": "application/json" }) },
          body: body === null ? null : JSON.stringify(body),
          signal: this.#signal,
        }),
    );
  }

  /** The JSON object of a reply of success. Some say there that they failed. */
  async #membersOf(response: Response): Promise<Members> {
    const { text, whole } = await textOf(response.body, maxReplyBytes).catch(this.#broken);
    if (!whole) throw this.#error("reply_too_large");
    const members = objectIn(text);
    if (members === null) throw this.malformed("no JSON");
    if (objectAt(members, "error") !== null) throw this.#refusal({ ...headOf(response), members });
    return members;
  }

  async #refusedBy(response: Response): Promise<Refused> {
    const { text } = await textOf(response.body, maxErrorBytes).catch(this.#broken);
    const { status, headers } = headOf(response);
    return refused(status, headers, text);
  }

  async *#chunks({ body }: Response): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of body ?? []) yield chunk;
    } catch (error) {
      this.#broken(error);
    }
  }

  #refusal(reply: Refused): AuthError {
    const { provider, source, host } = this.#access;
    const { code, oauthError, detail, status } = refusalOf(provider, reply, host.now());
    return new AuthError(code, {
      provider: provider.name,
      status,
      oauthError,
      detail: [detail, adviceFor(provider, code, source)].filter((text) => text !== null).join("; "),
    });
  }

  #error(code: "reply_malformed" | "reply_too_large", detail?: string): AuthError {
    return new AuthError(code, { provider: this.#access.provider.name, detail });
  }

  /** What the connection throws while a reply is read. @throws AuthError, or the signal's reason */
  readonly #broken = (error: unknown): never => {
    this.#signal?.throwIfAborted();
    if (error instanceof AuthError) throw error;
    const { code, detail } = networkCode(error);
    throw new AuthError(code, { provider: this.#access.provider.name, detail });
  };
}

function headOf({ status, headers }: Response): Pick<Refused, "status" | "headers"> {
  return { status, headers: Object.fromEntries(headers) };
}

/** What a person can do instead, where signing in is known not to be served for everybody. */
function adviceFor({ status }: Provider, code: AuthError["code"], { kind }: Source): string | null {
  const isLogin = kind === "oauth" && (code === "api_ineligible" || code === "api_unauthorized");
  return isLogin ? status.instead : null;
}
