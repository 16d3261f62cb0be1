// Sign-ins whose tokens wait are put into the token file by whoever has the account's lock, if they are still wanted.
import type { Ledger } from "./ledger.ts";
import type { Disk } from "./disk.ts";

/** Only for who holds the lock. A sign-in without its record was cancelled, and its tokens never become a login. */
export function settle(disk: Disk, { note }: Ledger): void {
  for (const [attempt, credential] of disk.granted) {
    disk.granted.delete(attempt);
    if (!disk.pending.has(attempt)) continue;
    disk.write((current) =>
      current?.lineage === credential.lineage
        ? current
        : {
            ...credential,
            snapshot: current?.snapshot ?? null,
            ownRest: current?.ownRest ?? {},
            rest: current?.rest ?? {},
          },
    );
    const isWanted = !disk.pending.isGone(attempt);
    note({ kind: "stored", account: disk.name.account, attempt, isWanted });
    disk.clean(null);
    disk.pending.removeAll();
  }
}
