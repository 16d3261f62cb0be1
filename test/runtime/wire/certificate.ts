// Certificates that nobody trusts unless told to, made anew for every run, so that no private key lies in the repository.
// X.509 version 1 (RFC 5280 4.1) with just what a TLS handshake needs.
import { generateKeyPairSync, sign } from "node:crypto";

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
