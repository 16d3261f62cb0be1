// Signing in, as part of an account's life: one state a grant, each with that grant's login machine inside.
import type { Grant } from "../providers/provider.ts";
import type { Result } from "./life.ts";
import type { LoginOutcome } from "./login/login.ts";
import { chart } from "./rules.ts";

const sources = { loopback: "loopbackLogin", paste: "pasteLogin", device: "deviceLogin" } as const;

/** The state of signing in by this grant: its login machine is a child, invoked while the state lasts. */
export function signingIn(grant: Grant) {
  return chart.createStateConfig({
    description: `Signing in by ${grant}; the chart of that name is inside.`,
    invoke: {
      id: "login",
      src: sources[grant],
      input: ({ context: { provider, account, asked } }) => ({
        provider,
        account,
        port: asked?.port ?? null,
        timeoutMs: asked?.timeoutMs ?? null,
        attempt: asked?.attempt ?? null,
      }),
      onDone: [
        {
          guard: { type: "isGranted", params: ({ event }) => event.output },
          target: "#deciding",
          actions: { type: "noteResult", params: { kind: "granted", code: null } },
        },
        {
          target: "#deciding",
          actions: [
            { type: "dropAttempt", params: ({ event }) => event.output },
            { type: "noteResult", params: ({ event }) => ended(event.output) },
          ],
        },
      ],
      onError: {
        target: "#deciding",
        actions: { type: "noteResult", params: { kind: "failed", code: "internal" } },
      },
    },
  });
}

function ended(outcome: LoginOutcome): Result {
  return outcome.kind === "granted" ? { kind: "granted", code: null } : { kind: outcome.kind, code: outcome.code };
}
