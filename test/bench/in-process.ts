// What a fresh token costs in process, against a plain async closure that checks an expiry.
import { createAuth } from "../../runtime/index.ts";
import type { Figure } from "./figures.ts";
import { median } from "./commands.ts";
import { homeWithToken } from "./home.ts";

const calls = 200_000;
const rounds = 21;
const most = 1.5;

export async function inProcess(): Promise<Figure[]> {
  const auth = createAuth({ home: homeWithToken() });
  const account = auth.account("codex");
  await account.token();
  const plain = closure(Date.now() + 86_400_000);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const ours = await nanoseconds(() => account.token());
    ratios.push(ours / (await nanoseconds(plain)));
  }
  await auth.close();
  const ratio = median(ratios);
  return [
    {
      what: "auth.token() against a plain async closure",
      goal: `at most ${most}`,
      measured: ratio.toFixed(2),
      isMet: ratio <= most,
    },
  ];
}

function closure(expiresAt: number): () => Promise<string> {
  // oxlint-disable-next-line require-await -- the price of an async function is what is compared
  return async () => {
    if (expiresAt - Date.now() < 30_000) throw new Error("expired");
    return "plainly-fake";
  };
}

async function nanoseconds(work: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  for (let call = 0; call < calls; call += 1) await work();
  return Number(process.hrtime.bigint() - start) / calls;
}
