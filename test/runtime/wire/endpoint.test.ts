import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { checkedEndpoint, isOneOf, parsedAddress } from "../../../runtime/wire/endpoint.ts";

describe("an endpoint", () => {
  it("may be https, or http on this machine", () => {
    for (const url of [
      "https://auth.example/token",
      "https://auth.example:8443/token?tenant=1",
      "http://127.0.0.1:4010/token",
      "http://127.255.0.9/",
      "http://localhost:1/",
      "http://[::1]:9000/x",
    ]) {
      assert.equal(checkedEndpoint(url).href, new URL(url).href);
    }
  });

  it("may be nothing else (T21, A04)", () => {
    for (const url of [
      "http://auth.example/token",
      "http://127.0.0.1.evil/",
      "http://localhost.evil/",
      "http://localhost@evil/",
      "http://evil.localhost/",
      "http://[::ffff:127.0.0.1]/",
      "http://[::2]/",
      "http://0.0.0.0/",
      "http://10.0.0.1/",
      "https://user@auth.example/",
      "https://user:pw@auth.example/",
      "https://auth.example/#fragment",
      "https://auth.example/#",
      "https://auth.exa\nmple/",
      "https:\\\\auth.example/",
      "https://аuth.example/",
      'https://a"&calc&.example/',
      "ftp://127.0.0.1/",
      "javascript:alert(1)",
      "file:///etc/passwd",
      "//auth.example/",
      "auth.example",
      "",
    ]) {
      assert.throws(
        () => checkedEndpoint(url, "token endpoint", "acme"),
        { code: "endpoint_insecure", provider: "acme", message: /token endpoint/ },
        url,
      );
    }
  });
});

describe("an address that somebody else wrote", () => {
  it("keeps its form", () => {
    assert.equal(parsedAddress("https://chat.example/device?user_code=AB-1")?.hostname, "chat.example");
  });

  it("is on the list of hosts exactly, or under a suffix", () => {
    const hosts = ["portal.example", ".sub.example"];
    assert.ok(isOneOf("portal.example", hosts));
    assert.ok(isOneOf("a.sub.example", hosts));
    for (const host of ["sub.example", "x.portal.example", "evilsub.example", "a.sub.example.evil", ""]) {
      assert.ok(!isOneOf(host, hosts), host);
    }
  });
});
