// A child that works with its parent's login, with an `auth` of its own: asks once each time it is told to, and says how that
// ended. Argument: the home folder.
import { ask, createAuth } from "../../runtime/index.ts";

const [home = ""] = process.argv.slice(2);
const auth = createAuth({ home });

process.on("message", () => void answer());
process.on("disconnect", () => void auth.close());
process.send?.("ready");

async function answer(): Promise<void> {
  try {
    const { text } = await ask(auth, "codex", [{ role: "user", text: "go on" }]);
    process.send?.(text);
  } catch (error) {
    process.send?.(`failed: ${String(error)}`);
  }
}
