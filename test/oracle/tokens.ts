// Replies of the token endpoint (RFC 6749 5) to a code, a refresh token and a poll (RFC 8628 3.5).
import * as oauth from "oauth4webapi";
import { Secret } from "../../runtime/secret.ts";
import type { Issued } from "../../runtime/wire/issued.ts";
import { pollReply, tokenReply } from "../../runtime/wire/response.ts";
import { now } from "../runtime/wire/sample.ts";
import {
  aboutReplies,
  client,
  provider,
  type Reply,
  repliesWith,
  server,
  toOurs,
  toTheirs,
  withMembers,
  without,
} from "./replies.ts";
import type { Difference, Subject } from "./subject.ts";

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const seconds = Math.floor(Date.now() / 1000);
const claims = {
  iss: server.issuer,
  aud: client.client_id,
  sub: "robin",
  iat: seconds,
  exp: seconds + 3600,
  nonce: "n-1",
};
const idToken = (changes: object): string => `${part({ alg: "RS256" })}.${part({ ...claims, ...changes })}.c2ln`;
const named = idToken({});
/** Proof that it belongs to another sign-in, for both (OpenID Connect Core 3.1.3.7, 11). */
const swapped = idToken({ nonce: "n-2" });

const good = { access_token: "at-1", token_type: "Bearer", expires_in: 3600, refresh_token: "rt-1", scope: "a b" };
const replies = repliesWith([good, { ...good, id_token: named }, { ...good, token_type: "bearer" }], {
  access_token: ["at-2", "", 5, null, "a b", "a\nb", "\u00E4"],
  token_type: ["BEARER", "DPoP", "dpop", "DPOP", "mac", "", 5, null, "Bearer "],
  expires_in: [1, "3600", 1.5, 0, "0", -1, null, "", "soon", "3600abc", "0x10", 1e300, true, {}],
  refresh_token: ["rt-2", "", null, 5, "r\n1"],
  scope: ["", null, 5, ["a"], "a\u0000b"],
  id_token: [
    named,
    null,
    "",
    "x",
    5,
    idToken({ aud: "other" }),
    idToken({ exp: 1 }),
    swapped,
    swapped,
    idToken({ nonce: undefined }),
    idToken({ iss: "https://b.example" }),
  ],
});

/** What a caller gets, the id token aside: it is compared by whether the reply is taken. */
const taken = (access: string, refresh: string | undefined, scope: string | undefined, lifetimeS: number | undefined) =>
  `tokens ${JSON.stringify({ access, refresh, scope, lifetimeS })}`;

const issued = ({ accessToken, refreshToken, scope, expiresAt, expiryFrom }: Issued): string =>
  taken(
    accessToken.reveal(),
    refreshToken?.reveal(),
    scope ?? undefined,
    expiryFrom === "assumed" ? undefined : (expiresAt - now) / 1000,
  );

const gotten = ({ access_token, refresh_token, scope, expires_in }: oauth.TokenEndpointResponse): string =>
  taken(access_token, refresh_token, scope, expires_in);

const said = (error: string | null): string => (error === null ? "nothing" : `error ${error}`);

async function theirsOf(reading: Promise<oauth.TokenEndpointResponse>, word = said): Promise<string> {
  try {
    return gotten(await reading);
  } catch (error) {
    return error instanceof oauth.ResponseBodyError ? word(error.error) : "nothing";
  }
}

const hasIdToken = ({ body }: Reply): boolean => typeof body !== "string" && body["id_token"] !== undefined;

function ours(reply: Reply, purpose: "code" | "refresh"): string {
  const nonce = purpose === "code" && hasIdToken(reply) ? new Secret("nonce", "n-1") : null;
  const outcome = tokenReply(provider, toOurs(reply), { purpose, clientId: client.client_id, nonce });
  return outcome.kind === "issued" ? issued(outcome.issued) : said(outcome.oauthError);
}

const isDigits = (value: unknown): boolean => typeof value === "string" && /^\d{1,15}$/.test(value);
const isSeconds = (value: unknown): boolean => typeof value === "number" && value >= 1 && value <= 315_360_000;
const text = (value: unknown): value is string => typeof value === "string" && value !== "";

const aboutTokens: readonly Difference<Reply>[] = [
  ...aboutReplies,
  {
    name: "a lifetime that is no whole number of seconds above nothing",
    kind: "vendors",
    why: "A token that was just issued is taken, and an hour is assumed: some send null, text or 0, and to refuse would lose a spent refresh token.",
    mended: (reply) =>
      without(reply, "expires_in", (value) => !isSeconds(value) && !(isDigits(value) && isSeconds(Number(value)))),
  },
  {
    name: "a refresh token that is null or empty",
    kind: "vendors",
    why: "One vendor sends null where RFC 6749 5.1 leaves it out; the old one stays in use.",
    mended: (reply) => without(reply, "refresh_token", (value) => value === null || value === ""),
  },
  {
    name: "a scope that is null, empty or no text",
    kind: "vendors",
    why: "One vendor sends null; the scope is for people to read and costs no login.",
    mended: (reply) => without(reply, "scope", (value) => !text(value) || /[^ -~]/.test(value)),
  },
  {
    name: "tokens with characters outside of RFC 6749 A.12 and A.17",
    kind: "stricter",
    why: "A token travels in a header and is printed: a line break in it would be a header of its own.",
    mended: (reply) =>
      ["access_token", "refresh_token"].reduce<Reply | null>((left, name) => {
        const from = left ?? reply;
        return (
          withMembers(from, (members) =>
            text(members[name]) && /[^ -~]/.test(members[name]) ? { ...members, [name]: "t-1" } : null,
          ) ?? left
        );
      }, null),
  },
  {
    name: "DPoP tokens",
    kind: "stricter",
    why: "RFC 6749 7.1: a type that is not understood is not used. No DPoP proof was ever sent.",
    mended: (reply) =>
      withMembers(reply, (members) =>
        String(members["token_type"]).toLowerCase() === "dpop" ? { ...members, token_type: "Bearer" } : null,
      ),
  },
  {
    name: "an id token that does not hold",
    kind: "purpose",
    why: "It only names who signed in. A wrong one names nobody, and the login stays; one with another nonce is refused by both.",
    mended: (reply) =>
      withMembers(reply, (members) =>
        [undefined, named, swapped].includes(members["id_token"] as string | undefined)
          ? null
          : { ...members, id_token: named },
      ),
  },
];

export const codes: Subject<Reply> = {
  name: "Replies to a code",
  between: ["tokenReply", "processAuthorizationCodeResponse"],
  runs: 2_500,
  inputs: replies,
  ours: (reply) => ours(reply, "code"),
  theirs: (reply) =>
    theirsOf(
      oauth.processAuthorizationCodeResponse(
        server,
        client,
        toTheirs(reply),
        hasIdToken(reply) ? { expectedNonce: "n-1" } : {},
      ),
    ),
  differences: aboutTokens,
};

export const refreshes: Subject<Reply> = {
  name: "Replies to a refresh token",
  between: ["tokenReply", "processRefreshTokenResponse"],
  runs: 1_500,
  inputs: replies,
  ours: (reply) => ours(reply, "refresh"),
  theirs: (reply) => theirsOf(oauth.processRefreshTokenResponse(server, client, toTheirs(reply))),
  differences: aboutTokens,
};

const stages: ReadonlyMap<string, string> = new Map([
  ["authorization_pending", "pending"],
  ["slow_down", "slow down"],
  ["access_denied", "denied"],
  ["expired_token", "over"],
  ["invalid_grant", "over"],
]);
const stage = (error: string | null): string => stages.get(error ?? "") ?? said(error);

export const polls: Subject<Reply> = {
  name: "Replies to a poll",
  between: ["pollReply", "processDeviceCodeResponse"],
  runs: 1_500,
  inputs: replies,
  ours(reply) {
    const outcome = pollReply(provider, toOurs(reply), { clientId: client.client_id });
    if (outcome.kind === "issued") return issued(outcome.issued);
    const words = {
      pending: "pending",
      slow_down: "slow down",
      denied: "denied",
      expired: "over",
      code: "code",
    } as const;
    return "oauthError" in outcome ? said(outcome.oauthError) : words[outcome.kind];
  },
  theirs: (reply) => theirsOf(oauth.processDeviceCodeResponse(server, client, toTheirs(reply)), stage),
  differences: [
    ...aboutTokens,
    {
      name: "an access token that is null",
      kind: "vendors",
      why: "One vendor answers 200 with null until the person has agreed.",
      mended: (reply) => without(reply, "access_token", (value) => value === null),
    },
  ],
};
