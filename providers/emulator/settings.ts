// The `providers` part of a settings.json that points every endpoint at one emulator. Made from the Provider data: what a
// vendor does not have is not invented, and each path stays the vendor's own, so only the origin changes.
import { type ProviderName, providers } from "../index.ts";
import type { Provider } from "../provider.ts";
import { names } from "./world.ts";

const endpoints = [
  "authorizationEndpoint",
  "tokenEndpoint",
  "deviceAuthorizationEndpoint",
  "revocationEndpoint",
  "userinfoEndpoint",
] as const satisfies readonly (keyof Provider)[];

export function settingsFor(
  url: string,
  geminiClientFile: string,
  deviceIntervalS: number | null,
): { readonly providers: Record<ProviderName, object> } {
  const moved = Object.fromEntries(names.map((name) => [name, moveTo(url, providers[name], deviceIntervalS)]));
  return {
    providers: {
      ...(moved as Record<ProviderName, object>),
      gemini: { ...moved["gemini"], clientFile: geminiClientFile },
    },
  };
}

function moveTo(url: string, provider: Provider, deviceIntervalS: number | null): object {
  const { hostname } = new URL(url);
  const move = (endpoint: string): string => {
    const { pathname, search } = new URL(endpoint);
    return url + (pathname === "/" ? "" : pathname) + search;
  };
  const moveMembers = <Member extends string>(
    part: Readonly<Partial<Record<Member, unknown>>> | null,
    members: readonly Member[],
  ): Record<string, string> =>
    Object.fromEntries(
      members.flatMap((member) => {
        const value = part?.[member];
        return typeof value === "string" ? [[member, move(value)]] : [];
      }),
    );
  const { device, paste, api, keyApi } = provider;
  return {
    ...moveMembers(provider, endpoints),
    ...(paste && { paste: moveMembers(paste, ["redirectUri"]) }),
    ...(device && {
      device: {
        ...moveMembers(device, ["pollEndpoint", "verificationUri", "redirectUri"]),
        verificationHosts: [hostname],
        // A vendor that names no interval leaves it to the client, which would then poll slower than a test wants.
        ...(deviceIntervalS !== null && { intervalS: deviceIntervalS }),
      },
    }),
    ...(api && { api: moveMembers(api, ["base", "verifyUrl"]) }),
    ...(keyApi && { keyApi: moveMembers(keyApi, ["base", "verifyUrl"]) }),
    ...(provider.resourceHosts.length > 0 && { resourceHosts: [hostname] }),
  };
}
