// What the parts of the runtime are given: the outside, the providers, the stores, the journal and the door to the network.
import type { Provider } from "../providers/provider.ts";
import type { Faults } from "./faults.ts";
import type { Host } from "./host.ts";
import type { Journal } from "./inspect/journal.ts";
import type { PendingStore } from "./store/pending.ts";
import type { Store } from "./store/store.ts";
import type { Sender } from "./wire/send.ts";

export interface Wiring {
  readonly host: Host;
  readonly store: Store;
  readonly pending: PendingStore;
  readonly sender: Sender;
  readonly faults: Faults;
  readonly journal: Journal;
  /** By exact name. @throws AuthError `unknown_provider` */
  readonly provider: (name: string) => Provider;
}
