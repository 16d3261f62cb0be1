// A browser with a scripted person: `BROWSER="node person.ts approve"`. It opens the address, decides, and follows. With an
// emulator's address before that of the page, it opens a vendor's own page there.
import { visit } from "../../providers/emulator/person.ts";

const [decision, ...addresses] = process.argv.slice(2);
const [address = "", emulator = new URL(address).origin] = addresses.toReversed();
await visit(emulator, address, { decision: decision === "deny" ? "deny" : "approve" });
