// What an ordinary command finds after something went wrong: a token, a lost login, or nothing in time.
import { pause } from "./part.ts";
import { command } from "./processes.ts";
import { provider, type World } from "./world.ts";

export interface Afterwards {
  /** `wedged`: no token within the time that any rule may make somebody wait. */
  readonly kind: "fine" | "lost" | "wedged";
  readonly ms: number;
  /** What the last command said. */
  readonly said: string;
}

/** The longest wait of the protocol: a permit without a seal, of a process that nobody can look at. */
const longestWaitMs = 60_000;

export async function afterwards(world: World, withinMs = longestWaitMs + 5_000): Promise<Afterwards> {
  const began = performance.now();
  for (;;) {
    const { code, stdout, stderr } = await command(world.house, [provider, "token"]).ended;
    const ms = performance.now() - began;
    const said = `exit ${code}: ${stderr.trim().split("\n")[0]}`;
    const standing = world.emulator.standing(stdout.trim());
    if (code === 0 && standing === "live") return { kind: "fine", ms, said };
    if (code === 3 || (code === 0 && standing === "ended")) return { kind: "lost", ms, said };
    if (ms > withinMs) return { kind: "wedged", ms, said };
    await pause(500);
  }
}
