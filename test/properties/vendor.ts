// The provider's server, at no address: requests as values in, replies as values out. It remembers every refresh token it
// gave, ends a login when a spent one comes back (RFC 9700 4.14.2), and checks code, redirect and PKCE like the real ones.
// It acts at once and completely: a reply that is lost afterwards has still spent what it spent.
import { createHash } from "node:crypto";
import {
  emptyLedger,
  endFamily,
  type Family,
  familyOf,
  openFamily,
  present,
  rememberAccess,
  rememberRefresh,
  rotates,
  spend,
} from "../../providers/emulator/tokens.ts";
import type { Provider } from "../../providers/provider.ts";
import type { WireRequest } from "../../runtime/wire/request.ts";
import { replyOf, type WireReply } from "../../runtime/wire/response.ts";

/** How the token endpoint answers. What is done in spite of the answer stands in brackets. */
export const moods = [
  "well",
  "unreachable",
  "lost (processed)",
  "busy",
  "limited",
  "failing (processed)",
  "page (processed)",
  "empty (processed)",
  "refusing (ends the login)",
  "refusing in a success (ends the login)",
] as const;
export type Mood = (typeof moods)[number];

export type Answer =
  | { readonly kind: "reply"; readonly reply: WireReply }
  /** `sent`: whether the request reached anybody. */
  | { readonly kind: "none"; readonly sent: "no" | "perhaps" };

/** A login at the server. `excused`: since then nobody but server or fate is to blame if it is lost. */
export interface Login extends Family {
  excused: boolean;
}

interface Code {
  readonly account: string;
  readonly redirectUri: string;
  readonly challenge: string;
  login: Login | null;
}

interface DeviceCode {
  readonly account: string;
  readonly userCode: string;
  readonly challenge: string | null;
  word: "waiting" | "approved" | "denied";
}

export type Vendor = ReturnType<typeof createVendor>;

/** Every secret that was ever made here has this in it. */
export const canary = "CANARY";

export function createVendor(provider: Provider, clock: { readonly wall: () => number }) {
  const ledger = emptyLedger();
  const codes = new Map<string, Code>();
  const devices = new Map<string, DeviceCode>();
  const mood = { is: "well" as Mood, lifetimeS: 3600, omitsRefresh: false, slowsDown: false };
  let minted = 0;
  const mint = (kind: string): string => `${canary}-${kind}-${(minted += 1)}`;

  const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
    kind: "reply",
    reply: replyOf(status, { "content-type": "application/json", ...headers }, JSON.stringify(body), clock.wall()),
  });
  const refuses = (error: string, status = 400): Answer => json(status, { error });

  const issue = (login: Login, withRefresh: boolean): Answer => {
    const access = mint("access");
    rememberAccess(ledger, access, login, clock.wall() + mood.lifetimeS * 1000);
    const refresh = withRefresh ? mint("refresh") : null;
    if (refresh !== null) rememberRefresh(ledger, refresh, login, clock.wall());
    return json(200, {
      access_token: access,
      token_type: "Bearer",
      expires_in: mood.lifetimeS,
      ...(refresh === null ? {} : { refresh_token: refresh }),
    });
  };

  const opened = (account: string): Login => {
    const of = { provider: provider.name as Family["provider"], client: "client", account, scope: "" };
    return Object.assign(openFamily(ledger, of), { excused: false });
  };

  const redeem = (fields: Fields): Answer => {
    const code = codes.get(fields["code"] ?? "");
    if (code === undefined) return refuses("invalid_grant");
    if (code.login !== null) {
      // RFC 6749 4.1.2: deny the second use, and revoke what the first one gave.
      endFamily(code.login, "replay");
      return refuses("invalid_grant");
    }
    if (fields["redirect_uri"] !== code.redirectUri) return refuses("invalid_grant");
    if (!fits(code.challenge, fields["code_verifier"] ?? "")) return refuses("invalid_grant");
    code.login = opened(code.account);
    return issue(code.login, true);
  };

  const refresh = (fields: Fields): Answer => {
    const token = fields["refresh_token"] ?? "";
    const worth = present(ledger, token, clock.wall(), provider.reuseGraceMs);
    if (worth.kind === "unknown" || worth.kind === "ended") return refuses("invalid_grant");
    const login = worth.family as Login;
    if (worth.kind === "reused") {
      endFamily(login, "reuse");
      return refuses("invalid_grant");
    }
    login.generation += 1;
    const isRotated = worth.kind === "current" && !mood.omitsRefresh && rotates(provider.rotation, login.generation);
    if (isRotated) spend(ledger, token, clock.wall());
    return issue(login, isRotated);
  };

  const isDialect = provider.device?.dialect === "user-code";

  const poll = (fields: Fields): Answer => {
    const deviceCode = fields[isDialect ? "device_auth_id" : "device_code"] ?? "";
    const device = devices.get(deviceCode);
    if (device === undefined) return refuses("expired_token");
    if (device.word === "denied") return refuses("access_denied");
    if (mood.slowsDown) return refuses("slow_down");
    if (device.word === "waiting") return refuses("authorization_pending", isDialect ? 403 : 400);
    if (isDialect) {
      devices.delete(deviceCode);
      // Here the server makes the pair of verifier and challenge.
      const verifier = mint("verifier").padEnd(43, "-");
      const challenge = createHash("sha256").update(verifier).digest("base64url");
      const code = mint("code");
      codes.set(code, {
        account: device.account,
        redirectUri: provider.device?.redirectUri ?? "",
        challenge,
        login: null,
      });
      return json(200, { authorization_code: code, code_verifier: verifier });
    }
    if (!fits(device.challenge, fields["code_verifier"] ?? "")) return refuses("invalid_grant");
    devices.delete(deviceCode);
    return issue(opened(device.account), true);
  };

  const start = (fields: Fields, account: string): Answer => {
    const deviceCode = mint("device");
    const userCode = `USER-${minted}`;
    const challenge = fields["code_challenge"] ?? null;
    devices.set(deviceCode, { account, userCode, challenge, word: "waiting" });
    const verification = { verification_uri: "https://id.acme.example/device", expires_in: 900, interval: 5 };
    return json(200, {
      [isDialect ? "device_auth_id" : "device_code"]: deviceCode,
      user_code: userCode,
      ...verification,
    });
  };

  const revoke = (fields: Fields): Answer => {
    const family = familyOf(ledger, fields["token"] ?? "");
    if (family !== null) endFamily(family, "logout");
    return json(200, {});
  };

  const served = (request: WireRequest, fields: Fields, account: string): Answer => {
    if (request.url === provider.deviceAuthorizationEndpoint) return start(fields, account);
    if (request.url === provider.revocationEndpoint) return revoke(fields);
    const grant = fields["grant_type"];
    if (grant === "authorization_code") return redeem(fields);
    return grant === "refresh_token" ? refresh(fields) : poll(fields);
  };

  /** The login that the request is about, if it is about one. */
  const loginOf = (fields: Fields): Login | null =>
    familyOf(ledger, fields["refresh_token"] ?? fields["token"] ?? "") as Login | null;

  return {
    mood,
    ledger,
    loginOfToken: (token: string) => familyOf(ledger, token) as Login | null,
    /** What a refresh token is worth now: `current` or not. */
    worth: (token: string) => present(ledger, token, clock.wall(), 0).kind,
    /** The request arrives. @param account whose it is, which a real server learns from the person */
    receives(request: WireRequest, account: string): Answer {
      const fields = fieldsOf(request);
      const serve = (): Answer => served(request, fields, account);
      const excused = (answer: Answer): Answer => {
        const login = loginOf(fields);
        // Whatever is done with it, the reply is not the server's to give any more.
        if (login !== null) login.excused = true;
        return answer;
      };
      switch (mood.is) {
        case "unreachable":
          return { kind: "none", sent: "no" };
        case "lost (processed)":
          serve();
          return excused({ kind: "none", sent: "perhaps" });
        case "busy":
          return json(503, {}, { "retry-after": "40" });
        case "limited":
          return json(429, {}, { "retry-after": "90" });
        case "failing (processed)":
          serve();
          return excused(json(500, {}));
        case "page (processed)":
          serve();
          return excused({
            kind: "reply",
            reply: replyOf(200, { "content-type": "text/html" }, "<p>Welcome</p>", clock.wall()),
          });
        case "empty (processed)":
          serve();
          return excused(json(200, {}));
        case "refusing (ends the login)":
        case "refusing in a success (ends the login)": {
          const login = loginOf(fields);
          if (login !== null) endFamily(login, "logout");
          return excused(refuses("invalid_grant", mood.is === "refusing (ends the login)" ? 400 : 200));
        }
        default:
          return serve();
      }
    },
    /** A person agrees in the browser. @returns the address that the browser is sent to */
    agrees(url: string, account: string): string {
      const asked = new URL(url).searchParams;
      const redirectUri = asked.get("redirect_uri") ?? "";
      const code = mint("code");
      codes.set(code, { account, redirectUri, challenge: asked.get("code_challenge") ?? "", login: null });
      const back = new URL(redirectUri);
      back.searchParams.set("code", code);
      back.searchParams.set("state", asked.get("state") ?? "");
      return back.href;
    },
    /** A person says yes or no to a device. */
    decides(userCode: string, word: "approved" | "denied"): void {
      for (const device of devices.values()) if (device.userCode === userCode) device.word = word;
    },
    /** A login that began elsewhere. @returns its refresh token and its access token's end */
    opens(account: string): WireReply {
      const answer = issue(opened(account), true);
      if (answer.kind === "none") throw new TypeError("what is issued is a reply");
      return answer.reply;
    },
  };
}

/** RFC 7636 4.6. */
function fits(challenge: string | null, verifier: string): boolean {
  return challenge === null || createHash("sha256").update(verifier).digest("base64url") === challenge;
}

type Fields = Readonly<Record<string, string>>;

function fieldsOf({ body, headers }: WireRequest): Fields {
  const text = body ?? "";
  return headers["content-type"]?.startsWith("application/json") === true
    ? (JSON.parse(text) as Fields)
    : Object.fromEntries(new URLSearchParams(text));
}
