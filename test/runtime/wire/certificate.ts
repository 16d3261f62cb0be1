// Certificates that nobody trusts unless told to, made anew for every run, so that no private key lies in the repository.
// X.509 (RFC 5280 4.1) with just what a TLS handshake needs: version 1 for one that vouches for itself, version 3 for an
// authority and for the hosts that it vouches for.
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { isIP } from "node:net";

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = 0x30;
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const ecdsaWithSha256 = der(sequence, Buffer.from("06082a8648ce3d040302", "hex"));
const subject = publicKey.export({ type: "spki", format: "der" });

/** @param name whose certificate it is @param until when it ends, as UTCTime: `YYMMDDhhmmssZ` */
export function certificateFor(name: string, until = "491231235959Z"): string {
  const commonName = der(sequence, Buffer.from("0603550403", "hex"), der(0x0c, Buffer.from(name)));
  const owner = der(sequence, der(0x31, commonName));
  const validity = der(sequence, der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from(until)));
  const body = der(sequence, der(0x02, Buffer.from([1])), ecdsaWithSha256, owner, validity, owner, subject);
  const signature = der(0x03, Buffer.from([0]), sign("sha256", body, privateKey));
  return [
    "-----BEGIN CERTIFICATE-----",
    der(sequence, body, ecdsaWithSha256, signature).toString("base64"),
    "-----END CERTIFICATE-----",
  ].join("\n");
}

export const certificate = certificateFor("localhost");
export const key = privateKey.export({ type: "pkcs8", format: "pem" });

const days = der(sequence, der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from("491231235959Z")));
const nameOf = (name: string): Buffer =>
  der(sequence, der(0x31, der(sequence, Buffer.from("0603550403", "hex"), der(0x0c, Buffer.from(name)))));
const extension = (oid: string, isCritical: boolean, value: Buffer): Buffer =>
  der(sequence, Buffer.from(oid, "hex"), isCritical ? Buffer.from("0101ff", "hex") : Buffer.alloc(0), der(0x04, value));

let serial = 0x40000000;

function version3(owner: Buffer, issuer: Buffer, extensions: readonly Buffer[], by: Signer, shown = subject): string {
  const number = Buffer.alloc(4);
  number.writeUInt32BE((serial += 1));
  const body = der(
    sequence,
    Buffer.from("a003020102", "hex"),
    der(0x02, number),
    ecdsaWithSha256,
    issuer,
    days,
    owner,
    shown,
    der(0xa3, der(sequence, ...extensions)),
  );
  const signature = der(0x03, Buffer.from([0]), by(body));
  return `-----BEGIN CERTIFICATE-----\n${der(sequence, body, ecdsaWithSha256, signature).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

type Signer = (body: Buffer) => Buffer;

export interface Authority {
  /** PEM, to be trusted. */
  readonly certificate: string;
  /** PEM of a certificate for this host or address. Its key is `key`, as of all that are made here. */
  issue(host: string): string;
}

const alternative = (host: string): Buffer =>
  isIP(host) === 4 ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));

/** An authority of its own, as a company that reads its network has one. No two have the same name. */
export function authority(): Authority {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const by: Signer = (body) => sign("sha256", body, own.privateKey);
  const issuer = nameOf(`Authority ${randomUUID()}`);
  const itself = own.publicKey.export({ type: "spki", format: "der" });
  // basicConstraints: an authority (RFC 5280 4.2.1.9); keyUsage: signs certificates (4.2.1.3).
  const rights = [
    extension("0603551d13", true, Buffer.from("30030101ff", "hex")),
    extension("0603551d0f", true, Buffer.from("03020204", "hex")),
  ];
  return {
    certificate: version3(issuer, issuer, rights, by, itself),
    issue: (host) =>
      version3(nameOf(host), issuer, [extension("0603551d11", false, der(sequence, alternative(host)))], by),
  };
}
