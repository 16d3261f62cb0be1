// The line to an API: calls in, what was said out, and every failure one of ours.
//
// No text of a reply gets into an error, and nothing is read without a limit but a stream of events, of which each has
// one. A reply that breaks off is a failure, however much of it has arrived.
import { setTimeout as pause } from "node:timers/promises";
import { AuthError } from "../machines/errors.ts";
import type { Access } from "./fetch.ts";
import { textOf } from "./wire/ask/body.ts";
import { eventReader } from "./wire/ask/events.ts";
import { type Members, objectAt } from "./wire/ask/members.ts";
import type { Call, Heard, Preparation } from "./wire/ask/protocol.ts";
import { errorCodes, refusalOf, type Refused, refused } from "./wire/ask/refusal.ts";
import { objectIn } from "./wire/claims.ts";
import { networkCode } from "./wire/failure.ts";

const maxReplyBytes = 1024 * 1024;
const maxErrorBytes = 65_536;

export class Line {
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
    const { provider, account, host } = this.#access;
    const { code, oauthError, detail, status } = refusalOf(provider, reply, host.now());
    return new AuthError(code, {
      provider: provider.name,
      account,
      status,
      oauthError,
      detail: [detail, adviceFor(this.#access, code)].filter((text) => text !== null).join("; "),
    });
  }

  #error(code: AuthError["code"], detail?: string): AuthError {
    const { provider, account } = this.#access;
    return new AuthError(code, { provider: provider.name, account, detail });
  }

  /** What the connection throws while a reply is read. @throws AuthError, or the signal's reason */
  readonly #broken = (error: unknown): never => {
    this.#signal?.throwIfAborted();
    if (error instanceof AuthError) throw error;
    const { code, detail } = networkCode(error);
    throw this.#error(code, detail);
  };
}

function headOf({ status, headers }: Response): Pick<Refused, "status" | "headers"> {
  return { status, headers: Object.fromEntries(headers) };
}

/** What a person can do instead of signing in, where that is known not to be enough for everybody. */
export function adviceFor({ provider, source }: Access, code: AuthError["code"]): string | null {
  const isLogin = source.kind === "oauth" && (code === "api_ineligible" || code === "api_unauthorized");
  return isLogin ? provider.status.instead : null;
}
