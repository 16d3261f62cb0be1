// What the lines of the journal, and the facts of now, are in words: tables, from step or state to a sentence.
//
// `{name}` stands for what a line says; a part in square brackets is left out when something in it is not known. No text
// of a server's and none of a file's gets in: the words are from here, from the error catalogue and from lists of ours.
import type { ErrorCode } from "../../machines/errors.ts";
import type { AccountState } from "../../machines/describe.ts";
import type { Revocation } from "../../machines/life.ts";
import type { Grant } from "../../providers/provider.ts";
import type { Presence } from "../refresh/holder.ts";
import type { Step, Word } from "./record.ts";

/** What happened, from the last line about it. */
export const tells: Readonly<Record<Exclude<Step, "moved">, string>> = {
  permitted: "{By} sent the refresh token {when}[, and {fate}].",
  sealed: "{By} had the server's reply on the disk {when}; the token file does not hold it yet.",
  checkpointed: "Refreshed {when} by {by}.",
  salvaged: "Refreshed {when} by {by}, from the reply that another process had on the disk when it ended.",
  repeated: "{Holder} had sent the refresh token[ {sentAt}] and left no reply: {lost}; {by} sent it once more {when}.",
  interrupted:
    "{Holder} had sent the refresh token[ {sentAt}], and its reply was lost: {lost}; {when} {by} gave the login up, because {verdict}.",
  refused: "{When} the server refused the refresh token[ ({word})]: {hint}.",
  unanswered: "{By} sent the refresh token, and no reply came {when}: {reason}.",
  putOff: "Renewing failed {when}: {reason}[. It was put off until {retry}].",
  hindered: "Renewing was not begun {when}: {reason}. Nothing was spent.",
  postponed: "{When} {reason}; the server's reply is kept beside it, and is used.",
  withdrawn: "{By} took its permit back {when}[: {why}]. Nothing was spent.",
  discarded: "Tokens that nobody wanted any more were thrown away {when}[: {why}].",
  blocked: "{When} the server renewed the login with a reply that cannot be read; it is kept.",
  signInBegun: "A sign-in {way} was begun {when} by {by}, and {ending}.",
  signInJoined: "{By} waited for a sign-in, too, from {moment} on.",
  signInAdopted: "{By} went on {when} with a sign-in whose process was gone.",
  pastedBare: "A code was pasted without its state {when}: only the proof key tied it to the sign-in.",
  signedIn: "Signed in {when} {way}.",
  signInFailed: "A sign-in[ {way}][, begun {begun},] failed {when}: {reason}.",
  signInCancelled: "A sign-in {way}[, begun {begun},] was given up {when}.",
  imported: "From {moment} on the login of another program was read, and left to that program to renew.",
  takenOver: "The login of another program was copied here {when}, to be renewed here from then on.",
  loggedOut: "Signed out {when}: the tokens were removed here[; {revocation}].",
  revocation: "Signed out {when}: the tokens were removed here[, and {revocation}].",
  enabled: "OAuth was turned on {when}.",
  disabled: "OAuth was turned off {when}; tokens are kept.",
  unreadable: "{When} {by} found that {reason}.",
  reset: "Put back to the beginning {when}; what could not be read is kept aside.",
  resumed: "The machine woke up, or its clock was set, {when}; everything was looked at afresh.",
};

export const ways: Readonly<Record<Grant, string>> = {
  loopback: "in the browser",
  paste: "with a pasted code",
  device: "with a device code",
};

export const revocations: Readonly<Record<Revocation, string>> = {
  revoked: "the provider took the grant back",
  failed: "the provider could not be asked to take the grant back",
  unsupported: "the provider offers no way to take the grant back",
  skipped: "the provider was not asked to take the grant back",
  nothing: "there was no grant to take back",
};

const elsewhere = "the login was ended elsewhere (signed out, revoked, or the password was changed)";
const either = `${elsewhere}, or a copy of it was used; {users}`;

/** Said in place of the catalogue's sentence, whose detail no journal holds. */
export const causes: Partial<Readonly<Record<ErrorCode, string>>> = {
  store_failed: "the disk did not take a file: it is full, or cannot be written to",
  port_busy: "another program holds the port that the redirect needs",
};

/** What a server's word for its refusal means. `{users}`: whether somebody else here used the same token. */
export const hints: Readonly<Record<Word | "none", string>> = {
  refresh_token_reused: "it had been used before; {users}: another machine or tool may hold a copy",
  refresh_token_expired: "it had gone unused for too long",
  refresh_token_invalidated: elsewhere,
  access_denied: elsewhere,
  invalid_grant: either,
  expired_token: "it had gone unused for too long",
  invalid_request: "this server knows no such request",
  invalid_client: "it does not take the OAuth client",
  unauthorized_client: "it does not take the OAuth client",
  invalid_scope: "it does not give these scopes any more",
  none: either,
};

/** What became of who sent a refresh token and told no end. */
export const fates: Readonly<Record<Presence | "ended" | "over", string>> = {
  here: "is waiting for the reply",
  stopped: "is stopped in the middle of it",
  gone: "is gone: the reply may be lost with it",
  unknown: "nobody can tell from here what became of it",
  ended: "got no reply",
  over: "the journal does not tell what came of it",
};

/** How it stands. */
export const standings: Readonly<Record<AccountState, string>> = {
  disabled: "OAuth is off.",
  idle: "Nobody is signed in.",
  pendingAuth: "A sign-in[ {way}] is waiting[ until {deadline}].",
  awaitingCode: "A sign-in[ {way}] is waiting[ until {deadline}].",
  awaitingPoll: "A sign-in[ {way}] is waiting[ until {deadline}].",
  authenticated: "Signed in[ until {alive}][; the token ended {dead}, and is renewed when it is next needed].",
  refreshing: "[Process {sender}, here still, ]is renewing the token at this moment.",
  backingOff: "The next try to renew is not before {retry}[; the token is good until {alive}].",
  expired: "The login is over: nothing can renew it.",
  loggingOut: "Signing out.",
  blocked: "The token file cannot be used as it is.",
};

/** How a login stands that is read from another program's file. */
export const borrowing = {
  alive:
    "The login is that of {tool}: its file is read, and it is renewed by that program alone[; the token is good until {alive}].",
  dead: "The login is that of {tool}, and it ended {dead}: use it there once, so that it is renewed, or sign in here.",
  gone: "The login of {tool} was to be read, and there is none in its file.",
};

/** How it stands, when the server's last word was no and the token lives on. */
export const living = "The token is good until {alive}, and cannot be renewed.";

/** A sentence with what is known; a part in brackets goes when something in it is not. */
export function filled(template: string, known: Readonly<Record<string, string | null>>): string {
  const put = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? "");
  const isKnown = (part: string): boolean =>
    [...part.matchAll(/\{(\w+)\}/g)].every(([, name = ""]) => known[name] != null);
  const kept = template.replaceAll(/\[([^\]]*)\]/g, (_, part: string) => (isKnown(part) ? part : ""));
  const text = put(put(kept));
  return text.charAt(0).toUpperCase() + text.slice(1);
}
