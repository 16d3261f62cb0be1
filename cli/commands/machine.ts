// `machine <p>`: the provider's statechart as text, or with one more word a chart inside it. Asks nobody, and starts no actor.
import { type ChartName, chartNames, machineAs, machineFormats } from "../../runtime/index.ts";
import { noSuch, usage } from "../dispatch.ts";
import type { Command } from "./index.ts";

export const command: Command = {
  accepts: ["format"],
  choices: { format: machineFormats },
  words: 1,
  run: async ({ auth, facts, flags, output, provider, words }) => {
    if (provider === "") {
      const { providers } = await auth();
      throw await usage(`\`machine\` needs a provider: ${[...providers.keys()].join(", ")}`);
    }
    const given = flags.format ?? (flags.json === true ? "json" : null);
    const format = machineFormats.find((one) => one === given) ?? "mermaid";
    const { name, grants } = await facts();
    const [first, ...others] = grants;
    if (first === undefined) throw await usage(`${name} offers no way to sign in`);
    output.data(await machineAs(format, await chartIn(words[0]), [first, ...others]));
    return 0;
  },
};

async function chartIn(word = "account"): Promise<ChartName> {
  const chart = chartNames.find((one) => one === word.toLowerCase());
  if (chart !== undefined) return chart;
  throw await noSuch(`chart ${JSON.stringify(word)}`, word, chartNames);
}
