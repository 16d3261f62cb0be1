// One contract for every entry of the provider table: its addresses are safe, its ways to sign in have what they need, and
// nothing in it is a secret. A fifth provider is held to the same without a line here.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";

const table: readonly (readonly [string, Provider])[] = Object.entries(providers);

/** The commands of the contract, section 1: no provider may bear the name of one. */
const commands =
  "auth status exec import profile shell inspect machine doctor demo emulator completion help enable disable login complete wait cancel logout token refresh ask why explain reset";

/** The contract, section 8. */
const documentedVariables: Readonly<Record<string, readonly string[]>> = {
  gemini: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
  anthropic: ["ANTHROPIC_API_KEY"],
  codex: ["OPENAI_API_KEY"],
  qwen: ["DASHSCOPE_API_KEY", "OPENAI_API_KEY"],
};

/** Clients whose registration forces the word `localhost` (RFC 8252 8.3), with where that is known from. */
const forcedLocalhost: Readonly<Record<string, string>> = {
  anthropic: "the authorize page accepts no other host for this client",
  codex: "registered as http://localhost:1455 and 1457",
};

/** Every address that a request, a browser or a person is sent to. */
function addresses(provider: Provider): Record<string, string> {
  const found: Record<string, string | null | undefined> = {
    authorizationEndpoint: provider.authorizationEndpoint,
    tokenEndpoint: provider.tokenEndpoint,
    deviceAuthorizationEndpoint: provider.deviceAuthorizationEndpoint,
    revocationEndpoint: provider.revocationEndpoint,
    userinfoEndpoint: provider.userinfoEndpoint,
    issuer: provider.issuer,
    console: provider.clientSource?.console,
    pasteRedirect: provider.paste?.redirectUri,
    pollEndpoint: provider.device?.pollEndpoint,
    verificationUri: provider.device?.verificationUri,
    deviceRedirect: provider.device?.redirectUri,
    api: provider.api?.base,
    verifyUrl: provider.api?.verifyUrl,
    keyApi: provider.keyApi?.base,
    keyVerifyUrl: provider.keyApi?.verifyUrl,
  };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] != null));
}

/** Redirect URIs of a provider; a free port is written `*`. */
function redirects({ loopback, paste, device }: Provider): string[] {
  const ports = loopback === null ? [] : loopback.ports.length === 0 ? ["*"] : loopback.ports;
  return [
    ...ports.map((port) => `http://${loopback?.host}:${port}${loopback?.path}`),
    ...[paste?.redirectUri, device?.redirectUri].filter((uri) => uri != null),
  ];
}

function isWithin(host: string, hosts: readonly string[]): boolean {
  return hosts.some((allowed) => (allowed.startsWith(".") ? host.endsWith(allowed) : host === allowed));
}

for (const [key, provider] of table)
  describe(key, () => {
    it("has a name that can be a file's and a command's", () => {
      assert.equal(provider.name, key);
      assert.match(provider.name, /^[a-z][a-z0-9_]{0,31}$/);
      assert.ok(!commands.split(" ").includes(provider.name));
      assert.ok(provider.title.length > 0);
    });

    it("says honestly how it stands", () => {
      const { kind, since, reason, instead } = provider.status;
      assert.match(kind, /^(active|restricted|withdrawn)$/);
      assert.match(since, /^\d{4}-\d\d-\d\d$/);
      assert.equal(new Date(since).toISOString().slice(0, 10), since);
      assert.match(reason, /^\S.{10,}[^.\s]$/);
      assert.equal(instead === null, kind === "active");
      assert.equal(provider.notice === null, kind === "active", "who enables it is told what the status means");
      assert.match(provider.grantsPage ?? "", /^https:\/\/[^/]+/);
    });

    it("sends nobody anywhere but to https, without fragment or userinfo", () => {
      for (const [field, text] of Object.entries(addresses(provider))) {
        const { protocol, hash, username, password, href } = new URL(text);
        assert.deepEqual([protocol, hash, username, password], ["https:", "", "", ""], field);
        assert.ok(text === href || `${text}/` === href, `${field} is written in its one normal form`);
        assert.doesNotMatch(text, /[?#]/, field);
      }
    });

    it("has what each of its ways to sign in needs, and no more", () => {
      const { grants, authorizationEndpoint, deviceAuthorizationEndpoint, loopback, paste, device } = provider;
      const redirected = grants.includes("loopback") || grants.includes("paste");
      assert.ok(grants.length > 0);
      assert.equal(new Set(grants).size, grants.length);
      assert.equal(loopback !== null, grants.includes("loopback"));
      assert.equal(paste !== null, grants.includes("paste"));
      assert.equal(device !== null, grants.includes("device"));
      assert.equal(authorizationEndpoint !== null, redirected);
      assert.equal(deviceAuthorizationEndpoint !== null, grants.includes("device"));
      assert.notEqual(provider.tokenEndpoint, null);
      assert.notEqual(provider.clientId, null);
      assert.ok(provider.scopes.length > 0);
      assert.equal(new Set(provider.scopes).size, provider.scopes.length);
      // RFC 6749 3.3
      for (const scope of provider.scopes) assert.match(scope, /^[\x21\x23-\x5b\x5d-\x7e]+$/);
    });

    it("listens where RFC 8252 lets it", () => {
      if (provider.loopback === null) return;
      const { host, path, ports } = provider.loopback;
      assert.equal(host === "localhost", key in forcedLocalhost);
      assert.match(path, /^\/[a-z0-9/]+$/);
      assert.equal(new Set(ports).size, ports.length);
      for (const port of ports) assert.ok(Number.isInteger(port) && port >= 1024 && port <= 65_535);
    });

    it("keeps to the device flow's bounds and hosts", () => {
      if (provider.device === null) return;
      const { dialect, intervalS, lifetimeS, pollEndpoint, redirectUri, verificationUri, verificationHosts } =
        provider.device;
      assert.ok(intervalS >= 5 && intervalS <= 60 && lifetimeS >= 60 && lifetimeS <= 3_600);
      assert.equal(redirectUri !== null, dialect === "user-code");
      assert.equal(pollEndpoint !== null, dialect === "user-code");
      assert.ok(verificationHosts.length > 0);
      for (const host of verificationHosts) assert.match(host, /^\.?([a-z0-9-]+\.)+[a-z]{2,}$/);
      if (verificationUri !== null) assert.ok(isWithin(new URL(verificationUri).hostname, verificationHosts));
      assert.ok(isWithin(new URL(provider.deviceAuthorizationEndpoint ?? "").hostname, verificationHosts));
    });

    it("steers API requests to hosts of its own only", () => {
      for (const host of provider.resourceHosts) assert.match(host, /^\.?([a-z0-9-]+\.)+[a-z]{2,}$/);
      assert.equal(provider.resourceHosts.length > 0, provider.keep.includes("resource_url"));
      if (provider.resourceHosts.length > 0)
        assert.ok(isWithin(new URL(provider.api?.base ?? "").hostname, provider.resourceHosts));
    });

    it("takes keys from the documented variables, and shares none without a host to tell by", () => {
      assert.deepEqual(
        provider.keyVariables.map(({ name }) => name),
        documentedVariables[key] ?? provider.keyVariables.map(({ name }) => name),
      );
      for (const { name, when } of provider.keyVariables) {
        assert.match(name, /^[A-Z][A-Z0-9_]*_KEY$/);
        const others = table.filter(([, other]) =>
          other.keyVariables.some((one) => one.name === name && one.when === null),
        );
        if (when === null) assert.equal(others.length, 1, `${name} belongs to one provider`);
        else {
          assert.match(when.variable, /^[A-Z][A-Z0-9_]*$/);
          assert.ok(when.hosts.length > 0);
        }
      }
      if (provider.keyVariables.length > 0) assert.notEqual(provider.keyApi, null);
    });

    it("hands a credential over in variables of its own, and withholds what would win over it", () => {
      const { login, key: byKey, withheld } = provider.handover ?? assert.fail("every vendor has tools");
      for (const { credential, fixed, address } of [login, byKey]) {
        assert.ok(credential.length > 0 && address !== null);
        const names = [...credential, ...Object.keys(fixed), address.name, ...withheld];
        assert.equal(new Set(names).size, names.length);
        for (const name of names) assert.match(name, /^[A-Z][A-Z0-9_]*$/);
      }
      const all = new Set([...login.credential, ...byKey.credential, ...withheld]);
      for (const { name } of provider.keyVariables) assert.ok(all.has(name), name);
    });

    it("does not set what the program itself sets", () => {
      const reserved =
        /^(client_id|client_secret|redirect_uri|response_type|scope|state|nonce|code_challenge|code_challenge_method)$/;
      for (const name of Object.keys(provider.authorizeParameters)) assert.doesNotMatch(name, reserved);
      for (const api of [provider.api, provider.keyApi])
        for (const header of Object.keys(api?.headers ?? {}))
          assert.doesNotMatch(header, /^(authorization|cookie|host|x-api-key|x-goog-api-key|content-length)$/i);
    });

    it("reads refusals as RFC 6749 5.2 error codes and client statuses", () => {
      for (const code of provider.refusalCodes) assert.match(code, /^[a-z_]+\*?$/);
      for (const status of provider.refusalStatuses) assert.ok(status >= 400 && status < 500 && status !== 429);
      assert.ok(provider.reuseGraceMs >= 0);
    });

    it("is plain data", () => {
      assert.deepEqual(JSON.parse(JSON.stringify(provider)), provider);
    });

    it("bears the vendor's secret for no client", () => {
      if (provider.clientSource === null) return;
      assert.match(provider.clientSource.idVariable, /^LLXPRT_[A-Z_]+_CLIENT_ID$/);
      assert.match(provider.clientSource.secretVariable, /^LLXPRT_[A-Z_]+_CLIENT_SECRET$/);
      assert.equal(provider.clientFile, null);
    });
  });

describe("the table", () => {
  it("gives each redirect URI to one authorization server (RFC 8252 8.10)", () => {
    const uris = table.flatMap(([, provider]) => redirects(provider));
    assert.equal(new Set(uris).size, uris.length);
    // A free port may turn out to be any port, so between providers the paths have to differ.
    const owners = new Map<string, string>();
    for (const [name, provider] of table)
      for (const uri of redirects(provider)) {
        const place = uri.replace(/^http:\/\/(localhost|127\.0\.0\.1):(\d+|\*)/, "loopback");
        assert.equal(owners.get(place) ?? name, name, place);
        owners.set(place, name);
      }
    assert.ok(owners.size >= 4);
  });

  it("binds each credential to a token host of its own", () => {
    const hosts = table.map(([, { tokenEndpoint }]) => new URL(tokenEndpoint ?? "").host);
    assert.equal(new Set(hosts).size, hosts.length);
  });

  it("gives a reason for every forced localhost, and for nobody else", () => {
    for (const name of Object.keys(forcedLocalhost))
      assert.equal((providers as Readonly<Record<string, Provider>>)[name]?.loopback?.host, "localhost");
  });

  it("holds no client secret, nor anything that looks like a credential", () => {
    const folder = new URL("../../providers/", import.meta.url);
    const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
    assert.ok(files.length >= table.length);
    for (const file of files) {
      const text = readFileSync(new URL(file, folder), "utf8");
      // Google's, GitHub's and OpenAI's shapes; a JWT; a private key.
      assert.doesNotMatch(text, /GOCSPX-|AIza[\w-]{30}|gh[pousr]_\w{20}|\bsk-[\w-]{16}|eyJ[\w-]{20}|PRIVATE KEY/, file);
      assert.doesNotMatch(text, /client_?secret["']?\s*:\s*["'`]/i, file);
      // A long text that is no address, path, sentence, variable or known client: somebody's secret.
      const clients = new Set(table.map(([, { clientId }]) => clientId));
      for (const [, literal = ""] of text.matchAll(/["'`]([\w+/=.~-]{32,})["'`]/g))
        assert.ok(clients.has(literal) || /^[A-Z_]+$|^~\//.test(literal), `${file}: ${literal.slice(0, 6)}…`);
    }
  });
});
