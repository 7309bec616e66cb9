// An authenticator app.

import { createHmac } from 'node:crypto';

/** The code of an authenticator app (RFC 6238), a number of steps from now. */
export function code(secret, ahead = 0) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replaceAll(' ', '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g).map((byte) => parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac('sha1', Buffer.from(bytes)).update(counter).digest();
  const value = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fff_ffff;
  return String(value % 1_000_000).padStart(6, '0');
}
