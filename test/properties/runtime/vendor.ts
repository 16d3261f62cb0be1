// A vendor in memory, by the letter: PKCE, single-use codes, refresh tokens that are good for one presentation, and whole
// families that end when one is presented twice (RFC 9700 4.14.2). It knows nothing of its clients but what they send, and
// it keeps the books by which they are judged.
import { createHash } from "node:crypto";
import type { WireRequest } from "../../../runtime/wire/request.ts";

/** How this vendor is, for one run. */
export interface Temper {
  readonly lifetimeS: number;
  /** Of ten refreshes so many bring no new refresh token: the old one goes on (RFC 6749 6). */
  readonly omittedOfTen: number;
  /** For so long after a rotation it takes the old refresh token as well. */
  readonly graceMs: number;
  /** Of ten polls so many are told to slow down (RFC 8628 3.5). */
  readonly slowedOfTen: number;
}

export interface Reply {
  readonly status: number;
  readonly body: object;
}

/** All tokens that come from one sign-in. */
export interface Family {
  readonly id: number;
  readonly person: string;
  /** What the sign-in was begun with: the challenge, or the device code. */
  readonly origin: string;
  current: string;
  before: string | null;
  rotatedAt: number;
  end: "reuse" | "revoked" | "disowned" | null;
  /** One of its refresh tokens was sent by a client that cannot know what became of it. */
  isDoubtful: boolean;
}

/** One presentation of a refresh token. `open`: its client has heard nothing yet. */
export interface Presentation {
  readonly by: string;
  readonly at: number;
  fate: "open" | "answered" | "refused" | "lost" | "killed";
  /** It was the one that spent the token. */
  spent: boolean;
}

interface Grant {
  readonly origin: string;
  readonly challenge: string;
  readonly redirectUri: string | null;
  person: string | null;
  state: "waiting" | "denied" | "used";
}

export interface DeviceGrant extends Grant {
  readonly userCode: string;
  intervalMs: number;
  lastPollAt: number;
}

export class Vendor {
  readonly families: Family[] = [];
  readonly devices = new Map<string, DeviceGrant>();
  /** By refresh token. */
  readonly presentations = new Map<string, Presentation[]>();
  /** Everything that it ever said and that is nobody else's business. */
  readonly secrets: string[] = [];
  /** What a client did that none may do. */
  readonly wrongs: string[] = [];
  readonly counts = {
    refreshes: 0,
    rotations: 0,
    repeats: 0,
    reuses: 0,
    sessions: 0,
    revocations: 0,
    polls: 0,
    slowed: 0,
  };
  readonly #temper: Temper;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #codes = new Map<string, Grant>();
  readonly #familyOf = new Map<string, Family>();
  #made = 0;

  constructor(temper: Temper, now: () => number, random: () => number) {
    this.#temper = temper;
    this.#now = now;
    this.#random = random;
  }

  /** A person signs in at the page. @returns what the page shows: `code#state` */
  authorize(url: string, person: string): string {
    const asked = new URL(url).searchParams;
    const challenge = asked.get("code_challenge") ?? "";
    if (asked.get("code_challenge_method") !== "S256" || challenge === "") this.wrongs.push("a sign-in without PKCE");
    const code = this.#secret("code");
    const redirectUri = asked.get("redirect_uri");
    this.#codes.set(code, { origin: challenge, challenge, redirectUri, person, state: "waiting" });
    return `${code}#${asked.get("state") ?? ""}`;
  }

  /** The family that a token belongs to. */
  familyOf(token: string): Family | null {
    return this.#familyOf.get(token) ?? null;
  }

  /** Tokens as a sign-in brings them. */
  issue(person: string, origin: string): { readonly family: Family; readonly reply: Reply } {
    const family: Family = {
      id: this.families.length,
      person,
      origin,
      current: "",
      before: null,
      rotatedAt: 0,
      end: null,
      isDoubtful: false,
    };
    this.families.push(family);
    this.counts.sessions += 1;
    return { family, reply: this.#tokens(family, true) };
  }

  handle(request: WireRequest, by: string): Reply {
    const { pathname } = new URL(request.url);
    const form = new URLSearchParams(request.body ?? "");
    if (pathname === "/device") return this.#startDevice(form);
    if (pathname === "/revoke") return this.#revoke(form.get("token") ?? "");
    if (pathname === "/userinfo") return this.#userinfo(request.headers["authorization"] ?? "");
    const grantType = form.get("grant_type");
    if (grantType === "refresh_token") return this.#refresh(form.get("refresh_token") ?? "", by);
    if (grantType === "authorization_code") return this.#redeem(form);
    return this.#poll(form);
  }

  #redeem(form: URLSearchParams): Reply {
    const grant = this.#codes.get(form.get("code") ?? "");
    if (grant === undefined) return refused("invalid_grant");
    if (grant.state === "used") {
      this.wrongs.push("a code was presented twice");
      return refused("invalid_grant");
    }
    grant.state = "used";
    if (!this.#isProven(form, grant) || form.get("redirect_uri") !== grant.redirectUri) return refused("invalid_grant");
    return this.issue(grant.person ?? "", grant.origin).reply;
  }

  #refresh(token: string, by: string): Reply {
    const family = this.familyOf(token);
    if (family === null) return refused("invalid_grant");
    this.counts.refreshes += 1;
    const before = this.presentations.get(token) ?? [];
    this.#judge(family, before);
    const presentation: Presentation = { by, at: this.#now(), fate: "open", spent: false };
    this.presentations.set(token, [...before, presentation]);
    if (family.end !== null) return refused("invalid_grant");
    if (token === family.current) {
      presentation.spent = this.#random() * 10 >= this.#temper.omittedOfTen;
      if (presentation.spent) this.counts.rotations += 1;
      return this.#tokens(family, presentation.spent);
    }
    if (token === family.before && this.#now() - family.rotatedAt < this.#temper.graceMs) {
      presentation.spent = true;
      return { status: 200, body: this.#bodyOf(family, family.current) };
    }
    this.counts.reuses += 1;
    family.end = "reuse";
    return refused("invalid_grant");
  }

  /** Nobody presents a refresh token again that he, or anybody, knows to be spent, or that is under way. */
  #judge(family: Family, before: readonly Presentation[]): void {
    if (before.length > 0) this.counts.repeats += 1;
    if (before.some(({ fate }) => fate === "open"))
      this.wrongs.push(`a refresh token of family ${family.id} was presented while it was under way`);
    if (before.some(({ fate, spent }) => fate === "answered" && spent))
      this.wrongs.push(`a refresh token of family ${family.id} was presented again after it had brought another`);
    const died = before.filter(({ fate }) => fate === "killed").length;
    const most = this.#temper.graceMs > 0 ? 4 : 2;
    if (died > most)
      this.wrongs.push(`a refresh token of family ${family.id} was repeated more often than makes sense`);
  }

  /** RFC 7636 4.6. Whoever began a sign-in has what proves it. */
  #isProven(form: URLSearchParams, { challenge }: Grant): boolean {
    const isIt =
      createHash("sha256")
        .update(form.get("code_verifier") ?? "")
        .digest("base64url") === challenge;
    if (!isIt) this.wrongs.push("a sign-in could not be proven to be one's own");
    return isIt;
  }

  #startDevice(form: URLSearchParams): Reply {
    const deviceCode = this.#secret("device");
    const userCode = `USER-${this.devices.size + 1}`;
    const challenge = form.get("code_challenge") ?? "";
    this.devices.set(deviceCode, {
      origin: deviceCode,
      challenge,
      redirectUri: null,
      person: null,
      state: "waiting",
      userCode,
      intervalMs: 5_000,
      lastPollAt: -Infinity,
    });
    return {
      status: 200,
      body: {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: "https://vendor.example/activate",
        expires_in: 900,
        interval: 5,
      },
    };
  }

  #poll(form: URLSearchParams): Reply {
    const grant = this.devices.get(form.get("device_code") ?? "");
    this.counts.polls += 1;
    if (grant === undefined || !this.#isProven(form, grant)) return refused("invalid_grant");
    if (this.#now() - grant.lastPollAt < grant.intervalMs)
      this.wrongs.push(`a device was polled after ${this.#now() - grant.lastPollAt} ms`);
    grant.lastPollAt = this.#now();
    if (grant.state === "used") return refused("invalid_grant");
    if (grant.state === "denied") return refused("access_denied");
    if (grant.person === null) {
      const isSlowed = this.#random() * 10 < this.#temper.slowedOfTen;
      if (isSlowed) this.counts.slowed += 1;
      return refused(isSlowed ? "slow_down" : "authorization_pending");
    }
    grant.state = "used";
    return this.issue(grant.person, grant.origin).reply;
  }

  /** RFC 8628 3.5. Counted from when the client has heard of it. */
  slowed(request: WireRequest): void {
    const grant = this.devices.get(new URLSearchParams(request.body ?? "").get("device_code") ?? "");
    if (grant !== undefined) grant.intervalMs += 5_000;
  }

  #revoke(token: string): Reply {
    const family = this.familyOf(token);
    this.counts.revocations += 1;
    if (family !== null) family.end ??= "revoked";
    return { status: 200, body: {} };
  }

  #userinfo(authorization: string): Reply {
    const family = this.familyOf(authorization.replace(/^Bearer /, ""));
    return family === null
      ? refused("invalid_token")
      : { status: 200, body: { email: `${family.person}@example.com` } };
  }

  #tokens(family: Family, rotates: boolean): Reply {
    if (!rotates) return { status: 200, body: this.#bodyOf(family, null) };
    family.before = family.current;
    family.current = this.#secret("refresh");
    family.rotatedAt = this.#now();
    this.#familyOf.set(family.current, family);
    return { status: 200, body: this.#bodyOf(family, family.current) };
  }

  #bodyOf(family: Family, refreshToken: string | null): object {
    const accessToken = this.#secret("access");
    this.#familyOf.set(accessToken, family);
    return {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: this.#temper.lifetimeS,
      ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    };
  }

  #secret(kind: string): string {
    this.#made += 1;
    const chance = Array.from({ length: 4 }, () => Math.floor(this.#random() * 2 ** 32).toString(36)).join("");
    const secret = `canary-${kind}-${this.#made}-${chance}`;
    this.secrets.push(secret);
    return secret;
  }
}

function refused(error: string): Reply {
  return { status: 400, body: { error } };
}
