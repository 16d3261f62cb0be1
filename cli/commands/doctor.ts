// `doctor`: looks at everything that a login depends on, and says what is wrong. Contacts nobody; with `--fix` it sets modes
// right, and changes nothing else.
import type { Finding } from "../../runtime/index.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Flags } from "../options.ts";
import { inHome } from "../output.ts";
import type { Context } from "../session.ts";
import { reservedNames, type Command } from "./index.ts";

export const command: Command = {
  accepts: ["fix"],
  run: async ({ flags, host, output }) => {
    const { diagnose } = await import("../../runtime/index.ts");
    const findings = await diagnose({ host: await host(), fix: flags.fix, reserved: reservedNames });
    if (flags.json === true) output.json({ schema: 1, findings });
    else tell(findings, output, flags);
    return findings.some(({ level }) => level === "problem") ? exitCodes.misconfigured : exitCodes.done;
  },
};

const marks = { ok: ["✓", "green"], notice: ["!", "yellow"], problem: ["✗", "red"] } as const;

function tell(findings: readonly Finding[], { data, say, styleData }: Context["output"], flags: Flags): void {
  for (const { level, message, next } of findings) {
    const [mark, colour] = marks[level];
    data(`${styleData(colour, mark)} ${message}.`);
    if (next !== null) data(`  Next: ${styleData("bold", inHome(next, flags))}`);
  }
  const [problems, notices] = (["problem", "notice"] as const).map(
    (level) => findings.filter((finding) => finding.level === level).length,
  );
  const counted = `${problems} ${problems === 1 ? "problem" : "problems"}, ${notices} ${notices === 1 ? "notice" : "notices"}`;
  say(problems === 0 ? `Nothing is wrong (${counted}). Nobody was asked.` : `${counted}. Nobody was asked.`);
}
