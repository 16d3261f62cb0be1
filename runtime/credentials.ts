// Which credential is used: key flag > profile, then settings > environment > OAuth (contract, section 4).
//
// Every candidate carries its origin, so that "why this one?" has an answer. Pure: what was read is passed in, and the
// key itself is looked at last, by whoever uses it. A chosen source that fails is an error, never a fall-through.
import type { Source } from "../machines/describe.ts";
import type { KeyVariable, Provider } from "../providers/provider.ts";
import { isUnset, keyGiven, type KeyPlace } from "./settings/keys.ts";
import { isOneOf } from "./wire/endpoint.ts";

/** Keys given on the command line, for the command's provider. */
export interface KeyFlags {
  readonly key?: string | undefined;
  readonly keyFile?: string | undefined;
  /** What was read from standard input (`--key-stdin`). */
  readonly keyStdin?: string | undefined;
}

/** Everything that may name a credential, already read. */
export interface KeySources {
  readonly flags: KeyFlags;
  /** The profile in use, if it is one of this provider's. */
  readonly profile: { readonly name: string; readonly place: KeyPlace } | null;
  /** The provider's own entry in settings.json. */
  readonly settings: KeyPlace;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly oauth: {
    readonly enabled: boolean;
    readonly account: string;
    readonly present: boolean;
    /** The tool whose login it is; null: one of our own. */
    readonly lender: string | null;
  };
}

/** A possible source of a credential. `place` is null for OAuth, and for a source that is not set. */
export interface Candidate {
  readonly kind: Exclude<Source["kind"], "none">;
  /** Where it comes from, for people. */
  readonly origin: string;
  readonly isSet: boolean;
  readonly place: KeyPlace;
  /** The environment variable. */
  readonly name?: string;
}

export interface Precedence {
  /** In order; the first that is set wins. */
  readonly candidates: readonly Candidate[];
  readonly winner: Candidate | null;
}

export function precedence(provider: Provider, sources: KeySources): Precedence {
  const candidates: Candidate[] = [
    ...flagCandidates(sources.flags),
    keyCandidate(
      "profile",
      sources.profile === null ? "profile" : `profile ${sources.profile.name}`,
      sources.profile?.place ?? null,
    ),
    keyCandidate("settings", `settings.json, providers.${provider.name}`, sources.settings),
    ...provider.keyVariables.map((variable) => environmentCandidate(variable, sources.environment)),
    oauthCandidate(sources.oauth),
  ];
  return { candidates, winner: candidates.find(({ isSet }) => isSet) ?? null };
}

/** The winner as `status` tells it. */
export function sourceOf({ winner }: Pick<Precedence, "winner">): Source {
  if (winner === null) return { kind: "none" };
  return winner.name === undefined ? { kind: winner.kind } : { kind: winner.kind, name: winner.name };
}

/** The source in a word or two: `key flag`, `env NAME`, … */
export function sourceName(source: Source): string {
  if (source.kind === "flag") return "key flag";
  return source.name === undefined ? source.kind : `${source.kind} ${source.name}`;
}

function flagCandidates({ key, keyFile, keyStdin }: KeyFlags): Candidate[] {
  const given = { "--key": key, "--keyfile": keyFile, "--key-stdin": keyStdin };
  const set = Object.entries(given).find(([, value]) => !isUnset(value));
  if (set === undefined) return [keyCandidate("flag", "key flag", null)];
  const [flag, value = ""] = set;
  return [keyCandidate("flag", flag, flag === "--keyfile" ? { keyFile: value.trim() } : keyGiven(value))];
}

function keyCandidate(kind: "flag" | "profile" | "settings", origin: string, place: KeyPlace): Candidate {
  return { kind, origin, isSet: place !== null, place };
}

function environmentCandidate({ name, when }: KeyVariable, environment: KeySources["environment"]): Candidate {
  const value = environment[name];
  const applies = when === null || namesHost(environment[when.variable], when.hosts);
  const isSet = applies && !isUnset(value);
  const origin = applies
    ? `environment variable ${name}`
    : `environment variable ${name} (counts only with ${when?.variable})`;
  return { kind: "env", origin, isSet, place: isSet && value !== undefined ? keyGiven(value) : null, name };
}

function oauthCandidate({ enabled, account, present, lender }: KeySources["oauth"]): Candidate {
  const state = enabled ? (present ? signed(lender) : "not signed in") : "not enabled";
  return { kind: "oauth", origin: `OAuth, account ${account} (${state})`, isSet: enabled, place: null };
}

function signed(lender: string | null): string {
  return lender === null ? "signed in" : `the login of ${lender}`;
}

function namesHost(address: string | undefined, hosts: readonly string[]): boolean {
  return address !== undefined && URL.canParse(address) && isOneOf(new URL(address).hostname, hosts);
}
