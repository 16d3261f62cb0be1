// The public API of the package, and all that the command line may use.
import { providerMachine } from "../machines/provider.ts";
import { type ProviderName, providers } from "../providers/index.ts";

export { catalogue } from "../machines/catalogue.ts";
export { AuthError, authErrorIn, type ErrorCode, exitCodes } from "../machines/errors.ts";
export { type Answer, ask, type AskOptions, type Message } from "./ask.ts";
export { type Account, type LoginRequest, type LogoutReport } from "./account.ts";
export { type Auth, type AuthOptions, createAuth, type FetchOptions } from "./auth.ts";
export { type Candidate, type KeyFlags, type Precedence, sourceName, sourceOf } from "./credentials.ts";
export type { Access } from "./fetch.ts";
export { type ChartName, chartNames } from "../machines/chart.ts";
export { journalText, type Rerun, rerun } from "./inspect/rerun.ts";
export type { Inspector } from "./inspect/page/inspector.ts";
export type { Story } from "./inspect/story.ts";
export type { Found, Imports } from "./imports/found.ts";
export { type MachineFormat, machineAs, machineFormats } from "./inspect/machine.ts";
export { diagnose, type Finding } from "./diagnose.ts";
export { type Handed, handedOver } from "./handover.ts";
export { type Host, realHost } from "./host.ts";
export { type HomeSettings, settingsIn } from "./settings/home.ts";
export { isKnownPage } from "./login/known-page.ts";
export { Secret } from "./secret.ts";
export type { PendingRow, Status, StatusRow } from "./status.ts";
export { type Surrounding, surroundingsHere } from "./surroundings.ts";
export type { Credential } from "./token.ts";
export { printable } from "./wire/text.ts";
export type { Provider } from "../providers/provider.ts";
export { providerMachine, providers, type ProviderName };

/** The statechart of each provider that ships. A provider of one's own gets its by `providerMachine`. */
export const providerMachines = Object.fromEntries(
  Object.values(providers).map((provider) => [provider.name, providerMachine(provider)]),
) as Readonly<Record<ProviderName, ReturnType<typeof providerMachine>>>;
