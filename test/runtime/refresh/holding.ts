// A process that takes an account's lock, says so, and keeps it until it is killed. Asked with "try", it says whether it
// could have it, and ends.
import { createLocks } from "../../../runtime/refresh/locks.ts";
import { pathsIn } from "../../../runtime/store/names.ts";
import { createSpendStore } from "../../../runtime/store/spend.ts";

const [home = "", what = "hold", mask] = process.argv.slice(2);
if (mask !== undefined) process.umask(Number.parseInt(mask, 8));
const lock = createLocks(createSpendStore(pathsIn(home)), Date.now).tryTake({ provider: "codex", account: "default" });
console.log(lock === null ? "busy" : "taken");
if (what === "hold") setInterval(() => undefined, 1_000);
