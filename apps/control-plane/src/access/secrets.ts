import { type Rng, toBase32, toHex, utf8 } from '@fog/kernel'
import { equalSecrets, sha256 } from '@fog/kernel/node'

/** 256 bits: nobody guesses one, so a plain hash of it is enough to keep. */
const SECRET_BYTES = 32

export const TOKEN_PREFIX = 'fog_'
export const JOIN_TOKEN_PREFIX = 'fogjoin_'

/** A new secret as people copy it: the prefix and 52 base32 characters. */
export function newSecret(prefix: string, rng: Rng): string {
  return prefix + toBase32(rng.bytes(SECRET_BYTES))
}

/** What is kept of a secret: SHA-256, hex. */
export function hashSecret(secret: string): string {
  return toHex(sha256(utf8(secret)))
}

/** Compares texts in constant time. */
export function sameSecret(a: string, b: string): boolean {
  return equalSecrets(utf8(a), utf8(b))
}
