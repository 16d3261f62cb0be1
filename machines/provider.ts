// A provider's machine: the generic life of an account, with that provider's ways to sign in plugged in.
import type { Grant, Provider } from "../providers/provider.ts";
import { credentialMachine } from "./credential.ts";

/**
 * The statechart of an account with this provider. Pure: its effects are placeholders until the runtime provides them.
 * @throws TypeError when the provider offers no grant at all.
 */
export function providerMachine(provider: Pick<Provider, "name" | "grants">) {
  const [preferred, ...others]: readonly Grant[] = provider.grants;
  if (preferred === undefined) throw new TypeError(`${provider.name} offers no way to sign in`);
  return credentialMachine(provider.name, [preferred, ...others]);
}

export type ProviderMachine = ReturnType<typeof providerMachine>;
