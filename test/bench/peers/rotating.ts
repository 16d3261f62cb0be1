// A token endpoint in a process of its own, as strict as they come: a refresh token is good once, and using it again ends the
// whole login. Its answer takes 50 ms; told so, the first one is a 503.
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const answerMs = 50;

export interface Counts {
  readonly requests: number;
  readonly isRevoked: boolean;
}

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  counts(): Promise<Counts>;
}

/** The refresh token that every login of a run begins with. */
export const firstRefreshToken = "plainly-fake-0";

export async function rotatingEndpoint({ failsFirst }: { readonly failsFirst: boolean }): Promise<Endpoint> {
  const child = fork(fileURLToPath(import.meta.url), [failsFirst ? "failing" : "sound"]);
  const next = <T>(): Promise<T> =>
    new Promise((resolve) => child.once("message", resolve as (answer: unknown) => void));
  const port = await next<number>();
  return {
    url: `http://127.0.0.1:${port}`,
    counts: () => {
      const answer = next<Counts>();
      child.send("counts");
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}

function serve(failsFirst: boolean): void {
  let [requests, generation, isRevoked] = [0, 0, false];
  const answer = (refreshToken: string | null): readonly [number, object] => {
    requests += 1;
    if (failsFirst && requests === 1) return [503, { error: "temporarily_unavailable" }];
    isRevoked ||= refreshToken !== `plainly-fake-${generation}`;
    if (isRevoked) return [400, { error: "invalid_grant" }];
    generation += 1;
    const [access, refresh] = [`plainly-fake-access-${generation}`, `plainly-fake-${generation}`];
    return [200, { access_token: access, refresh_token: refresh, token_type: "Bearer", expires_in: 3600 }];
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", async () => {
      const [status, reply] = answer(new URLSearchParams(body).get("refresh_token"));
      await setTimeout(answerMs);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
    });
  });
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
  process.on("message", () => process.send?.({ requests, isRevoked } satisfies Counts));
}

if (import.meta.main) serve(process.argv[2] === "failing");
