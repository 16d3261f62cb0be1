// Locks that a killed process lets go of. In truth the kernel does it; here all processes are one, so that whoever opens a
// lock's database is noted with it.
import { processes } from "./time.ts";

type Sqlite = { DatabaseSync: typeof import("node:sqlite").DatabaseSync };

export class OpenLocks implements Disposable {
  readonly #open = new Map<import("node:sqlite").DatabaseSync, string | undefined>();
  readonly #sqlite: Sqlite;
  readonly #real: Sqlite["DatabaseSync"];

  /** @param before told of a lock that is about to be tried: at that moment others may do anything */
  constructor(before: (path: string) => void) {
    this.#sqlite = process.getBuiltinModule("node:sqlite");
    this.#real = this.#sqlite.DatabaseSync;
    const open = this.#open;
    this.#sqlite.DatabaseSync = class extends this.#real {
      constructor(...given: ConstructorParameters<Sqlite["DatabaseSync"]>) {
        super(...given);
        open.set(this, processes.getStore());
        before(String(given[0]));
      }

      override close(): void {
        open.delete(this);
        super.close();
      }
    };
  }

  /** Gives back what this process holds; everybody's, when none is named. */
  release(owner?: string): void {
    for (const [database, whose] of this.#open) if (owner === undefined || whose === owner) database.close();
  }

  [Symbol.dispose](): void {
    this.release();
    this.#sqlite.DatabaseSync = this.#real;
  }
}
