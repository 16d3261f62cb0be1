// The libraries that programs use instead: how each is made to hold a login, and how it is asked for a token. They come from
// a folder of their own, so that none of them is a dependency here.
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { firstRefreshToken } from "./rotating.ts";

/** A login that is held. */
export interface Held {
  readonly token: () => Promise<unknown>;
  readonly close?: () => Promise<void>;
}

export interface Library {
  readonly name: string;
  /** On npm, with its version; null: ours. */
  readonly npm: string | null;
  /** @param endpoint where tokens come from @param leftMs how long the access token is good for; negative: it has ended */
  readonly hold: (load: Load, endpoint: string, leftMs: number) => Promise<Held>;
}

/** Loads a package of the peers. */
export type Load = (name: string) => Promise<Loaded>;

// What is called of them, and no more: their types are not here.
// oxlint-disable-next-line typescript/no-explicit-any -- packages that are not installed have no types
type Loaded = any;

const client = "llxprt-auth";
const access = "plainly-fake";

export const libraries: readonly Library[] = [
  { name: "llxprt-auth", npm: null, hold: ours },
  {
    name: "google-auth-library",
    npm: "google-auth-library@11.3.4",
    hold: async (load, endpoint, leftMs) => {
      const { OAuth2Client } = await load("google-auth-library");
      const held = new OAuth2Client({ clientId: client, endpoints: { oauth2TokenUrl: `${endpoint}/token` } });
      const tokens = { access_token: access, refresh_token: firstRefreshToken, expiry_date: Date.now() + leftMs };
      held.setCredentials(tokens);
      return { token: () => held.getAccessToken() };
    },
  },
  {
    name: "@badgateway/oauth2-client",
    npm: "@badgateway/oauth2-client@3.3.1",
    hold: async (load, endpoint, leftMs) => {
      const { OAuth2Client, OAuth2Fetch } = await load("@badgateway/oauth2-client");
      const stored = { accessToken: access, refreshToken: firstRefreshToken, expiresAt: Date.now() + leftMs };
      const held = new OAuth2Fetch({
        client: new OAuth2Client({ server: endpoint, clientId: client, tokenEndpoint: "/token" }),
        getNewToken: () => null,
        getStoredToken: () => stored,
        scheduleRefresh: false,
      });
      return { token: () => held.getToken() };
    },
  },
  {
    name: "simple-oauth2",
    npm: "simple-oauth2@5.1.0",
    hold: async (load, endpoint, leftMs) => {
      const { AuthorizationCode } = await load("simple-oauth2");
      const auth = { tokenHost: endpoint, tokenPath: "/token", refreshPath: "/token" };
      const options = { authorizationMethod: "body" };
      const flow = new AuthorizationCode({ client: { id: client, secret: "none" }, auth, options });
      let held = flow.createToken({
        access_token: access,
        refresh_token: firstRefreshToken,
        expires_at: new Date(Date.now() + leftMs),
      });
      // As its manual has it.
      return { token: async () => (held.expired() ? (held = await held.refresh()) : held) };
    },
  },
  {
    name: "openid-client",
    npm: "openid-client@6.9.0",
    hold: async (load, endpoint, leftMs) => {
      const { Configuration, None, allowInsecureRequests, refreshTokenGrant } = await load("openid-client");
      const metadata = { issuer: endpoint, token_endpoint: `${endpoint}/token` };
      const configuration = new Configuration(metadata, client, undefined, None());
      allowInsecureRequests(configuration);
      let held = { access_token: access, refresh_token: firstRefreshToken, expiresAt: Date.now() + leftMs };
      // It keeps no tokens: whoever uses it does.
      const renew = async (): Promise<unknown> => {
        const reply = await refreshTokenGrant(configuration, held.refresh_token);
        held = { ...reply, expiresAt: Date.now() + 1000 * reply.expires_in };
        return held;
      };
      return { token: async () => (held.expiresAt - Date.now() < 30_000 ? renew() : held) };
    },
  },
];

/** The built library over files, with its refresh in a process of its own. */
async function ours(_: Load, endpoint: string, leftMs: number): Promise<Held> {
  const home = mkdtempSync(join(tmpdir(), "bench-home-"));
  mkdirSync(join(home, "oauth"), { mode: 0o700 });
  const acme = { grants: ["device"], clientId: client, scopes: ["chat"], tokenEndpoint: `${endpoint}/token` };
  const settings = {
    oauthEnabledProviders: { acme: true },
    providers: { acme: { ...acme, deviceAuthorizationEndpoint: `${endpoint}/device` } },
  };
  writeFileSync(join(home, "settings.json"), JSON.stringify(settings));
  const expiry = Math.floor((Date.now() + leftMs) / 1000);
  const tokens = { access_token: access, refresh_token: firstRefreshToken, expiry, token_type: "Bearer" };
  writeFileSync(join(home, "oauth", "acme.json"), JSON.stringify(tokens), { mode: 0o600 });
  const library = pathToFileURL(resolve("dist", "index.mjs")).href;
  const { createAuth } = (await import(library)) as typeof import("../../../runtime/index.ts");
  const auth = createAuth({ home });
  const account = auth.account("acme");
  return { token: () => account.token(), close: () => auth.close() };
}

/** @param modules folder that npm installed them into */
export function loaderIn(modules: string): Load {
  const require = createRequire(join(modules, "any.js"));
  return async (name) => (await import(pathToFileURL(require.resolve(name)).href)) as unknown;
}
