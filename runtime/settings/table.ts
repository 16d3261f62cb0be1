// The providers as this home folder has them: those that ship, with the person's overrides, and the person's own.
import { distance } from "fastest-levenshtein";
import { AuthError } from "../../machines/errors.ts";
import { providers as shipped } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { checkProviderName } from "../store/names.ts";
import { checkProvider } from "./schema.ts";
import { invalid, type ProviderEntry, type Settings } from "./settings.ts";
import { isRecord, own } from "../store/json.ts";

export type ProviderTable = ReadonlyMap<string, Provider>;

/** What a provider of one's own is when its entry says nothing else: RFC 6749, 7636 and 8628 to the letter. */
const plain: Omit<Provider, "name" | "title"> = {
  status: { kind: "active", since: "2026-01-01", reason: "defined in settings.json", instead: null },
  notice: null,
  grantsPage: null,
  grants: ["loopback"],
  issuer: null,
  clientId: null,
  clientSource: null,
  clientFile: null,
  scopes: [],
  authorizationEndpoint: null,
  tokenEndpoint: null,
  deviceAuthorizationEndpoint: null,
  revocationEndpoint: null,
  userinfoEndpoint: null,
  authorizeParameters: {},
  // RFC 6749 3.1: who does not know it has to ignore it.
  accountChoice: { hint: "login_hint", ask: {} },
  loopback: { host: "127.0.0.1", path: "/callback", ports: [] },
  paste: null,
  device: {
    dialect: "standard",
    pkce: false,
    pollEndpoint: null,
    verificationUri: null,
    verificationHosts: [],
    redirectUri: null,
    pendingStatuses: [],
    intervalS: 5,
    lifetimeS: 900,
  },
  tokenEncoding: "form",
  refreshEncoding: "form",
  stateInTokenRequest: false,
  refreshScope: "none",
  rotation: "sometimes",
  reuseGraceMs: 0,
  refusalCodes: [],
  refusalStatuses: [],
  revocation: { encoding: "form", clientId: true },
  keep: ["id_token"],
  accountClaim: null,
  // A bare `sub` says nothing to a person: it is the last resort.
  identity: {
    reply: [],
    claims: [["email"], ["preferred_username"]],
    userinfo: [["email"], ["preferred_username"], ["sub"]],
  },
  resourceHosts: [],
  api: null,
  keyApi: null,
  listHeaders: [],
  apiErrors: { excluded: [], limited: [], unauthorized: [] },
  assistance: null,
  keyVariables: [],
  handover: null,
  imports: [],
};

/** Members of an entry that are its key, or whose login is read, not facts about the provider. */
const keyMembers = new Set(["auth-key", "auth-keyfile", "importFrom"]);

/**
 * The table for these settings. Objects of an entry are merged member by member, everything else is replaced.
 * @param reserved names that a provider of one's own may not bear (the commands).
 * @throws AuthError `settings_invalid` naming file and field
 */
export function providerTable(settings: Settings, file: string, reserved: ReadonlySet<string>): ProviderTable {
  const table = new Map<string, Provider>(Object.entries(shipped));
  for (const [name, entry] of Object.entries(settings.providers)) {
    const before = table.get(name);
    if (before === undefined) checkOwnName(name, file, reserved);
    const facts = withoutKey(entry);
    if (before !== undefined && Object.keys(facts).length === 0) continue;
    const merged = merge({ ...(before ?? { ...plain, title: name }), name }, facts);
    const checked = checkProvider(merged);
    if ("wrong" in checked) throw invalid(file, `providers.${name}.${checked.wrong}`, "");
    table.set(name, before === undefined ? withConsent(checked.provider) : checked.provider);
  }
  return table;
}

/** The provider of that name, in any case. @throws AuthError `unknown_provider` with the known names and the nearest one */
export function providerNamed(table: ProviderTable, name: string): Provider {
  const provider = table.get(name.toLowerCase());
  if (provider !== undefined) return provider;
  const known = [...table.keys()];
  const detail = `${JSON.stringify(name)}${hintOf(name, known)}; known are ${known.join(", ")}`;
  throw new AuthError("unknown_provider", { detail });
}

/** ` (did you mean …?)` when one of those known is near enough. */
export function hintOf(name: string, known: readonly string[]): string {
  const nearest = known.find((candidate) => distance(candidate, name.toLowerCase()) <= 2);
  return nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
}

function checkOwnName(name: string, file: string, reserved: ReadonlySet<string>): void {
  try {
    if (checkProviderName(name) !== name) throw invalid(file, `providers.${name}`, "must be lower case");
  } catch (error) {
    throw error instanceof AuthError && error.code === "name_invalid"
      ? invalid(file, `providers.${name}`, "is no name for a provider: a letter, then letters, digits or _, at most 32")
      : error;
  }
  if (reserved.has(name)) throw invalid(file, `providers.${name}`, "bears the name of a command");
}

// OIDC Core 11: without it, the request for offline access is ignored, and no refresh token comes.
function withConsent(provider: Provider): Provider {
  if (!provider.scopes.includes("offline_access")) return provider;
  return { ...provider, authorizeParameters: { prompt: "consent", ...provider.authorizeParameters } };
}

function withoutKey(entry: ProviderEntry): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).filter(([member]) => !keyMembers.has(member)));
}

function merge(before: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const changed = Object.entries(over).map(([member, value]) => {
    const old = own(before, member);
    return [member, isRecord(old) && isRecord(value) ? { ...old, ...value } : value] as const;
  });
  // Unlike an assignment, this makes `__proto__` a member like any other.
  return Object.fromEntries([...Object.entries(before), ...changed]);
}
