// A browser with a scripted person: `BROWSER="node person.ts approve"`. It opens the address, decides, and follows.
import { visit } from "../../providers/emulator/person.ts";

const [decision, address = ""] = process.argv.slice(2);
await visit(new URL(address).origin, address, { decision: decision === "deny" ? "deny" : "approve" });
