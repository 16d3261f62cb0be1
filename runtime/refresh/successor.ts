// What a sealed reply makes of the credential that was spent for it: the one judgement that reading, checkpoint and salvage
// share. No request, no write.
import { exchangeOverMs } from "../../machines/doubt.ts";
import type { ErrorCode } from "../../machines/errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { StoredCredential } from "../store/codec.ts";
import { renewed } from "../store/credential.ts";
import type { Sealed } from "../store/evidence.ts";
import { presenceOf, sinceMs } from "./holder.ts";
import { isTouched, type SpendStore, spentBy } from "../store/spend.ts";
import type { AccountName, Paths } from "../store/names.ts";
import { isObject, replyOf, type TokenOutcome, tokenReply, type WireReply } from "../wire/response.ts";

/**
 * - `successor`: the next generation.
 * - `refused`: the server said no after all, or answered for somebody else: never adopted in silence (threat T8).
 * - `noise`: no reply of the endpoint's (a page, nothing, half a text), or a failure in the form of a success.
 * - `unusable`: a success, where a success spends the token, without tokens that can be used. It is kept as it is.
 */
export type Successor =
  | { readonly kind: "successor"; readonly credential: StoredCredential }
  | { readonly kind: "refused"; readonly code: ErrorCode }
  | { readonly kind: "noise" | "unusable"; readonly code: ErrorCode };

export function successorOf(provider: Provider, before: StoredCredential, sealed: Sealed): Successor {
  const reply = replyIn(sealed);
  const outcome: TokenOutcome = tokenReply(provider, reply, { purpose: "refresh", clientId: sealed.clientId });
  if (outcome.kind === "refused") return { kind: "refused", code: outcome.code };
  if (outcome.kind !== "issued") {
    const isSpent = provider.rotation !== "never" && outcome.code === "reply_malformed" && isObject(reply);
    return { kind: isSpent ? "unusable" : "noise", code: outcome.code };
  }
  const { issued } = outcome;
  const changed = before.accountId !== null && issued.accountId !== null && issued.accountId !== before.accountId;
  if (changed) return { kind: "refused", code: "identity_changed" };
  const { issuer, clientId } = sealed;
  return { kind: "successor", credential: renewed(before, issued, { issuer, clientId }, sealed.receivedAt) };
}

function replyIn({ status, contentType, body, receivedAt }: Sealed): WireReply {
  return replyOf(status, contentType === null ? {} : { "content-type": contentType }, body, receivedAt);
}

// One that is sealed and not yet in the token file is followed; more than a few cannot be.
const longestChain = 4;

/** What counts now: what the token file holds, or what is sealed as its successor. No lock, no write. */
export function latest(
  { paths, spend }: { readonly paths: Paths; readonly spend: Pick<SpendStore, "sealed"> },
  provider: Provider,
  name: AccountName,
  stored: StoredCredential,
): StoredCredential {
  let current = stored;
  for (let links = 0; links < longestChain && isTouched(paths, name, current); links += 1) {
    const spent = spentBy(current);
    const sealed = spent === null ? null : spend.sealed(name, spent);
    const successor = sealed === null ? null : successorOf(provider, current, sealed);
    if (successor?.kind !== "successor") break;
    current = successor.credential;
  }
  return current;
}

/** Whether some process presents this refresh token at this moment. No lock, no write. */
export function isBeingSpent(
  { paths, spend }: { readonly paths: Paths; readonly spend: Pick<SpendStore, "permits"> },
  name: AccountName,
  credential: StoredCredential,
): boolean {
  const spent = isTouched(paths, name, credential) ? spentBy(credential) : null;
  const permit = spent === null ? null : spend.permits(name, spent)[0];
  if (permit?.holder == null || permit.ended || sinceMs(permit.holder) >= exchangeOverMs) return false;
  return ["here", "stopped"].includes(presenceOf(permit.holder));
}
