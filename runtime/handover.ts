// A credential for other programs: the variables of their environment that carry it, and those that would lead them astray.
//
// Names and addresses only; the secret is put in by whoever may look at it. A variable that would send the credential to
// another host, or have another credential win over it, is withheld: a credential goes nowhere else (threat T32).
import type { Handover, Provider, Variables } from "../providers/provider.ts";
import { providers } from "../providers/index.ts";
import { apiFor } from "./api.ts";
import type { Host } from "./host.ts";
import type { Credential } from "./token.ts";

/** What changes in the environment of a program that is handed a credential. */
export interface Handed {
  /** Variables that are to hold the credential. */
  readonly credential: readonly string[];
  /** Variables beside them, with their values. */
  readonly beside: Readonly<Record<string, string>>;
  /** Variables that it does not get. */
  readonly withheld: readonly string[];
}

/** @param environment of this program: it may say where a key belongs. @throws AuthError `endpoint_insecure` */
export function handedOver(
  provider: Provider,
  credential: Pick<Credential, "kind" | "source" | "resourceUrl">,
  environment: Host["environment"],
): Handed {
  const { login, key, withheld } = provider.handover ?? plainly(provider);
  const { credential: names, fixed, address } = credential.kind === "oauth" ? login : key;
  const beside: Record<string, string> = { ...fixed };
  const where = addressFor(provider, credential, environment);
  if (address !== null && where !== null && (address.always || where.isMoved))
    beside[address.name] = address.holds === "base" ? where.base : parentOf(where.base);
  const given = new Set([...names, ...Object.keys(beside)]);
  const all = [...namesIn(login), ...namesIn(key), ...withheld];
  return { credential: names, beside, withheld: [...new Set(all)].filter((name) => !given.has(name)) };
}

/** For a provider whose data says nothing of other programs. */
function plainly({ name, keyVariables: [first] }: Provider): Handover {
  const credential = [first?.name ?? `${name.toUpperCase()}_API_KEY`];
  const variables = { credential, fixed: {}, address: null };
  return { login: variables, key: variables, withheld: [] };
}

function namesIn({ credential, fixed, address }: Variables): string[] {
  return [...credential, ...Object.keys(fixed), ...(address === null ? [] : [address.name])];
}

/** Where the API is for this credential; null: nothing is known of it. */
function addressFor(
  provider: Provider,
  credential: Pick<Credential, "kind" | "source" | "resourceUrl">,
  environment: Host["environment"],
): { readonly base: string; readonly isMoved: boolean } | null {
  const member = credential.kind === "oauth" ? "api" : "keyApi";
  if (provider[member] === null) return null;
  const { base } = apiFor(provider, credential, environment);
  const shipped = Object.values<Provider>(providers).find(({ name }) => name === provider.name);
  return { base, isMoved: base !== shipped?.[member]?.base };
}

/** An address without the last part of its path; one that has none stays a host. */
function parentOf(base: string): string {
  const { origin, pathname } = new URL(base);
  return origin + pathname.replace(/\/[^/]*\/?$/, "");
}
