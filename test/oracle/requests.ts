// What is sent: challenges (RFC 7636 4.2) and the four requests, with values that a careless encoding would change.
import * as fc from "fast-check";
import * as oauth from "oauth4webapi";
import { Secret } from "../../runtime/secret.ts";
import {
  challengeOf,
  codeRequest,
  pollRequest,
  refreshRequest,
  revokeRequest,
  type WireRequest,
} from "../../runtime/wire/request.ts";
import { acme, endpointsOf } from "../runtime/wire/sample.ts";
import type { Subject } from "./subject.ts";

interface Values {
  readonly what: "challenge" | "code" | "refresh" | "poll" | "revoke";
  readonly value: string;
  readonly verifier: string;
  readonly clientId: string;
  readonly redirectUri: string;
}

const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)),
  minLength: 1,
});
const unreserved = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".split(""));
const endpoints = endpointsOf(acme);
const server = {
  issuer: "https://id.acme.example",
  token_endpoint: acme.tokenEndpoint as string,
  revocation_endpoint: acme.revocationEndpoint as string,
};

/** Address and members; their order says nothing. */
const sent = (url: string, method: string, body: string): string =>
  `${method} ${url} ${JSON.stringify([...new URLSearchParams(body)].toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;

function oursFor({ what, value, verifier, clientId, redirectUri }: Values): WireRequest {
  const common = { endpoints, client: { id: clientId, secret: null } };
  switch (what) {
    case "code":
      return codeRequest(acme, {
        ...common,
        code: new Secret("authorization_code", value),
        redirectUri,
        verifier: new Secret("code_verifier", verifier),
        state: null,
      });
    case "refresh":
      return refreshRequest(acme, { ...common, refreshToken: new Secret("refresh_token", value), scope: null });
    case "poll":
      return pollRequest(acme, {
        ...common,
        deviceCode: new Secret("device_code", value),
        userCode: "AB-12",
        verifier: null,
      });
    default:
      return revokeRequest(acme, { ...common, token: new Secret("refresh_token", value) });
  }
}

async function theirsFor({ what, value, verifier, clientId, redirectUri }: Values): Promise<string> {
  let seen = "";
  const options = {
    [oauth.customFetch]: (url: string, { method, body }: { method: string; body?: unknown }) => {
      seen = sent(url, method, String(body));
      return Promise.resolve(new Response());
    },
  };
  const client = { client_id: clientId };
  const none = oauth.None();
  if (what === "code") {
    const callback = oauth.validateAuthResponse(server, client, new URLSearchParams({ code: value }));
    await oauth.authorizationCodeGrantRequest(server, client, none, callback, redirectUri, verifier, options);
  } else if (what === "refresh") await oauth.refreshTokenGrantRequest(server, client, none, value, options);
  else if (what === "poll") await oauth.deviceCodeGrantRequest(server, client, none, value, options);
  else {
    const additionalParameters = { token_type_hint: "refresh_token" };
    await oauth.revocationRequest(server, client, none, value, { ...options, additionalParameters });
  }
  return seen;
}

export const requests: Subject<Values> = {
  name: "Challenges and requests",
  between: [
    "challengeOf, codeRequest, refreshRequest, pollRequest, revokeRequest",
    "the functions of the same purpose",
  ],
  runs: 1_500,
  inputs: fc.record({
    what: fc.constantFrom("challenge", "code", "refresh", "poll", "revoke"),
    value: visible,
    verifier: fc.string({ unit: unreserved, minLength: 43, maxLength: 128 }),
    clientId: visible,
    redirectUri: fc.webUrl({ withQueryParameters: true }),
  }),
  ours(values) {
    if (values.what === "challenge") return challengeOf(new Secret("code_verifier", values.verifier));
    const { url, method, body } = oursFor(values);
    return sent(url, method, body ?? "");
  },
  theirs: (values) =>
    values.what === "challenge" ? oauth.calculatePKCECodeChallenge(values.verifier) : theirsFor(values),
  differences: [],
};
