// The network between simulated processes and the vendor. A request arrives when the order of things says so, and so does
// its reply; in between the vendor has done what it was asked for. Some get lost on either way.
import type { Sender, SendFailure } from "../../../runtime/wire/send.ts";
import type { WireRequest } from "../../../runtime/wire/request.ts";
import { replyOf, type WireReply } from "../../../runtime/wire/reply.ts";
import type { Presentation, Reply, Vendor } from "./vendor.ts";

/** When something happens that nobody can hurry: resolves when it does. */
export type Order = (what: string) => Promise<void>;

/**
 * What becomes of one request. `unreachable`: nobody has seen it, and that is known. `unsent`, `unheard`: it or its reply is
 * lost, and the client cannot tell which. `busy`, `limited`: turned away unprocessed. `broken`: an error of the server's
 * after the work was done. `page`: somebody else's answer.
 */
export const fates = ["unreachable", "unsent", "unheard", "busy", "limited", "broken", "page"] as const;
export type Fate = (typeof fates)[number];

const exchangeMs = 30_000;

interface Exchange {
  readonly by: string;
  readonly request: WireRequest;
  readonly resolve: (outcome: WireReply | SendFailure) => void;
  readonly fate: Fate | null;
  isArrived: boolean;
  isOver: boolean;
  presentation: Presentation | null;
}

export class Network {
  /** Of requests to come, the next first. */
  readonly weather: Fate[] = [];
  /** Asked when a request arrives. */
  onArrival: (request: WireRequest) => void = () => undefined;
  readonly counts = { requests: 0, lost: 0 };
  readonly #vendor: Vendor;
  readonly #now: () => number;
  readonly #order: Order;
  readonly #exchanges = new Set<Exchange>();

  constructor(vendor: Vendor, now: () => number, order: Order) {
    this.#vendor = vendor;
    this.#now = now;
    this.#order = order;
  }

  get underWay(): number {
    return this.#exchanges.size;
  }

  /** The door of one process. */
  sender(by: string): Sender {
    return {
      exchange: (request) =>
        new Promise((resolve) => {
          const fate = this.weather.shift() ?? null;
          const one: Exchange = { by, request, resolve, fate, isArrived: false, isOver: false, presentation: null };
          this.counts.requests += 1;
          this.#exchanges.add(one);
          // Set by this process, and gone with it.
          setTimeout(() => {
            this.#lose(one, "network_timeout");
          }, exchangeMs);
          void this.#carry(one);
        }),
      fetch: () => Promise.reject(new Error("nobody asks an API here")),
      ready: () => Promise.resolve(),
      close: async () => {
        for (const one of this.#exchanges) if (one.by === by) this.#lose(one, "network_broken");
      },
    };
  }

  /** Whether this process is presenting this refresh token. */
  isPresenting(by: string, token: string | null): boolean {
    const isIt = ({ body }: WireRequest) =>
      token !== null && new URLSearchParams(body ?? "").get("refresh_token") === token;
    return [...this.#exchanges].some((one) => one.by === by && isIt(one.request));
  }

  /** This process is gone, and hears of nothing any more. @param arrives what it has sent last gets there */
  kill(by: string, arrives: boolean): void {
    for (const one of this.#exchanges) {
      if (one.by !== by) continue;
      if (arrives && !one.isArrived && one.fate !== "unreachable" && one.fate !== "unsent") this.#arrive(one);
      this.#end(one, "killed");
    }
  }

  async #carry(one: Exchange): Promise<void> {
    const what = `${one.by} ${new URL(one.request.url).pathname}`;
    await this.#order(`${what} arrives`);
    if (one.isOver) return;
    if (one.fate === "unreachable") return this.#settle(one, failure("network_refused", "no"));
    if (one.fate === "unsent") return this.#lose(one, "network_broken");
    const answer = this.#arrive(one);
    await this.#order(`${what} is answered`);
    if (one.isOver) return;
    if (one.fate === "unheard") return this.#lose(one, "network_broken");
    this.#answer(one, answer);
  }

  #arrive(one: Exchange): Reply {
    one.isArrived = true;
    const unprocessed = { busy: 503, limited: 429, page: 200 }[one.fate as string];
    if (unprocessed !== undefined) return { status: unprocessed, body: {} };
    this.onArrival(one.request);
    const answer = this.#vendor.handle(one.request, one.by);
    const token = new URLSearchParams(one.request.body ?? "").get("refresh_token");
    one.presentation = token === null ? null : (this.#vendor.presentations.get(token)?.at(-1) ?? null);
    return answer;
  }

  #answer(one: Exchange, { status, body }: Reply): void {
    if (one.fate === "broken") {
      this.#end(one, "lost");
      one.resolve(replyOf(500, { "content-type": "application/json" }, "{}", this.#now()));
      return;
    }
    const isPage = one.fate === "page";
    const headers = {
      "content-type": isPage ? "text/html" : "application/json",
      ...(one.fate === "busy" || one.fate === "limited" ? { "retry-after": "7" } : {}),
    };
    if ("error" in body && body.error === "slow_down") this.#vendor.slowed(one.request);
    this.#settle(
      one,
      replyOf(status, headers, isPage ? "<p>Pay for your room</p>" : JSON.stringify(body), this.#now()),
    );
  }

  #settle(one: Exchange, outcome: WireReply | SendFailure): void {
    const isRefused = "status" in outcome && outcome.status >= 400;
    this.#end(one, isRefused ? "refused" : "answered");
    one.resolve(outcome);
  }

  #lose(one: Exchange, code: SendFailure["code"]): void {
    if (one.isOver) return;
    this.counts.lost += 1;
    this.#end(one, "lost");
    one.resolve(failure(code, "maybe"));
  }

  #end(one: Exchange, fate: Presentation["fate"]): void {
    one.isOver = true;
    this.#exchanges.delete(one);
    if (one.presentation !== null) one.presentation.fate = fate;
    // Whoever was cut off cannot know whether it arrived; and somebody else's page is no answer.
    const isInDoubt = fate === "lost" || fate === "killed" || one.fate === "page";
    const family = this.#vendor.familyOf(new URLSearchParams(one.request.body ?? "").get("refresh_token") ?? "");
    if (family !== null && isInDoubt) family.isDoubtful = true;
  }
}

function failure(code: SendFailure["code"], sent: SendFailure["sent"]): SendFailure {
  return { kind: "failed", code, detail: "by the weather", sent };
}
