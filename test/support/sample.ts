// A credential and a sign-in under way, as the runtime knows them, for tests of what becomes of them at rest.
import { Secret } from "../../runtime/secret.ts";
import type { StoredCredential } from "../../runtime/store/codec.ts";
import type { Attempt } from "../../runtime/store/pending.ts";

export function sampleCredential(changes: Partial<StoredCredential> = {}): StoredCredential {
  return {
    accessToken: new Secret("access_token", "sample-access-token"),
    refreshToken: new Secret("refresh_token", "sample-refresh-token"),
    idToken: null,
    expiresAt: Date.now() + 3_600_000,
    tokenType: "Bearer",
    scope: null,
    accountId: null,
    resourceUrl: null,
    identity: null,
    lineage: "sample-lineage",
    generation: 1,
    issuer: "127.0.0.1:1",
    clientId: "sample-client",
    obtainedAt: Date.now(),
    verifiedAt: null,
    refused: null,
    retry: null,
    takenOver: null,
    snapshot: null,
    newer: false,
    ownRest: {},
    rest: {},
    ...changes,
  };
}

export function sampleAttempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    provider: "codex",
    account: "default",
    attempt: "sample-attempt",
    kind: "loopback",
    url: "http://127.0.0.1:1/authorize",
    urlComplete: null,
    userCode: null,
    redirectUri: "http://127.0.0.1:2/callback",
    createdAt: Date.now(),
    expiresAt: null,
    intervalMs: 0,
    restsUntil: null,
    issuer: "127.0.0.1:1",
    clientId: "sample-client",
    iss: null,
    issSent: false,
    state: new Secret("state", "sample-state"),
    verifier: new Secret("code_verifier", "sample-verifier"),
    nonce: null,
    deviceCode: null,
    ...changes,
  };
}
