// What the parts of the runtime are given: the outside, the providers, the stores, the journal and the door to the network.
import type { Provider } from "../providers/provider.ts";
import { createFaults, type Faults } from "./faults.ts";
import type { Host } from "./host.ts";
import { createJournal, type Journal } from "./inspect/journal.ts";
import { createLocks, type Locks } from "./refresh/locks.ts";
import type { Paths } from "./store/names.ts";
import { createPendingStore, type PendingStore } from "./store/pending.ts";
import { createSpendStore, type SpendStore } from "./store/spend.ts";
import { createStore, type Store } from "./store/store.ts";
import { createWatch, type Watch } from "./store/watch.ts";
import { createSender, type Sender } from "./wire/send.ts";

export interface Wiring {
  readonly host: Host;
  readonly store: Store;
  readonly watch: Watch;
  readonly pending: PendingStore;
  readonly spend: SpendStore;
  readonly locks: Locks;
  readonly sender: Sender;
  readonly faults: Faults;
  readonly journal: Journal;
  /** By exact name. @throws AuthError `unknown_provider` */
  readonly provider: (name: string) => Provider;
}

/** Everything over one home folder. Creates nothing and contacts nobody. */
export function createWiring(host: Host, paths: Paths, provider: Wiring["provider"]): Wiring {
  const spend = createSpendStore(paths);
  const locks = createLocks(spend, host.now);
  return {
    host,
    store: createStore(paths, host.now, locks.tryTake),
    watch: createWatch(host),
    pending: createPendingStore(paths),
    spend,
    locks,
    sender: host.sender ?? createSender({ now: host.now, environment: host.environment }),
    faults: createFaults(),
    journal: createJournal(paths.journal, host.now),
    provider,
  };
}
