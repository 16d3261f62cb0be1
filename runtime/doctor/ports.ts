// The registered ports of loopback redirects: who could listen there now, on both families. Each is bound for a moment and
// given back, since nothing else tells the truth. No port is promised to anybody: a sign-in binds its own before it is shown.
import type { Provider } from "../../providers/provider.ts";
import { whatHinders } from "../login/listener.ts";
import { type Finding, fine, notice, problem } from "./finding.ts";

/** @param isWanted whether anybody means to sign in there @param isOurs whether a sign-in of ours may be what listens */
export async function ports(
  providers: Iterable<Provider>,
  isWanted: (provider: string) => boolean,
  isOurs: (provider: string) => boolean,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, grants, loopback } of providers) {
    if (loopback === null || loopback.ports.length === 0 || !(grants as readonly string[]).includes("loopback"))
      continue;
    const about = `${name}.loopback.ports`;
    const busy: string[] = [];
    const free: number[] = [];
    for (const port of loopback.ports) {
      const hindrance = await whatHinders(port);
      if (hindrance === null) free.push(port);
      else busy.push(hindrance);
    }
    const others = (grants as readonly string[]).find((grant) => grant !== "loopback");
    const next = others === undefined ? null : `${name} login --grant ${others}`;
    if (busy.length === 0)
      findings.push(fine("ports_free", about, `The ports of ${name} for its redirect are free: ${free.join(", ")}`));
    else if (isOurs(name))
      findings.push(
        notice("port_waiting", about, `${busy.join(", ")}: a sign-in to ${name} is under way`, `${name} wait`),
      );
    else if (free.length > 0)
      findings.push(notice("port_busy", about, `${busy.join(", ")}; ${name} will use ${free.join(", ")}`));
    else {
      const says = `${busy.join(", ")}: no browser can come back to ${name}`;
      findings.push((isWanted(name) ? problem : notice)("port_busy", about, says, next));
    }
  }
  return findings;
}
