// Giving tokens back that nobody wants any more (RFC 7009). Best effort, and never at the cost of a login that is kept.
import { AuthError } from "../machines/errors.ts";
import type { Provider } from "../providers/provider.ts";
import { registrationOf } from "./registration.ts";
import type { StoredCredential } from "./store/codec.ts";
import type { AccountName } from "./store/names.ts";
import { revokeRequest } from "./wire/request.ts";
import type { Wiring } from "./wiring.ts";

export async function discard(
  { host, sender, store, journal }: Wiring,
  provider: Provider,
  name: AccountName,
  { refreshToken, accessToken }: Pick<StoredCredential, "refreshToken" | "accessToken">,
): Promise<void> {
  // Where refresh tokens do not rotate, all of a person's tokens are one grant: a login that is kept would go with it, under
  // whichever name it is kept.
  const isKept = (): boolean => store.list().some((other) => other.provider === name.provider);
  if (provider.rotation === "never" && isKept()) return;
  try {
    const registration = await registrationOf(provider, host, sender);
    const token = refreshToken ?? accessToken;
    if (registration.endpoints.revocation === null) return;
    await sender.exchange(revokeRequest(provider, { ...registration, token }));
    journal.note({ step: "discarded", ...name });
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
  }
}
