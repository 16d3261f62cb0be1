// What stands before every API: whose token or key this is, and whether it is still worth anything. And the door out
// (RFC 7009). A credential is judged before the request's content, as the vendors do.
import type { ProviderName } from "../index.ts";
import { type Call, bearer } from "./call.ts";
import type { Dialect } from "./dialect.ts";
import { type Family, endFamily, familyOf, standing } from "./tokens.ts";
import type { World } from "./world.ts";

/** The login behind the bearer token of this call (RFC 6750 2.1). */
export function checkAccess(dialect: Dialect, call: Call, world: World): Family {
  const found = standing(world.ledger, bearer(call), world.now());
  if (found.family?.provider !== dialect.name) return world.deadEnd("unknown-token");
  if (found.standing === "ended") world.refuses("revoked-access-token");
  if (found.standing === "expired") world.refuses("expired-access-token");
  return found.family;
}

/** A key that was made up at the start; a login's token is not one. */
export function checkApiKey(dialect: Dialect, key: string, world: World): void {
  if (world.ledger.access.has(key)) world.refuses("oauth-token-at-key-api");
  else if (key !== world.apiKeys[dialect.name]) world.refuses("wrong-api-key");
}

/** RFC 7009 2.1: either kind of token ends the whole login. False: no such token, or it is not this vendor's. */
export function revoke(provider: ProviderName, token: string, world: World): boolean {
  const family = familyOf(world.ledger, token);
  if (family?.provider !== provider) return false;
  if (endFamily(family, "logout")) world.tallies[provider].revocations += 1;
  return true;
}
