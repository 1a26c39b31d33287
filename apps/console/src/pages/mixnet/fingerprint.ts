import type { MixnetRules } from '@fog/contract'
import { canonicalJson, toHex, utf8 } from '@fog/kernel'

export interface Fingerprints {
  /** 64 hex digits that stand for all that must not change of a network. */
  readonly network: string
  /** Of each authority's key, as nodes log them. */
  readonly authorities: readonly string[]
}

/**
 * What people compare, computed here from a network's rules as nodes compute it when they pin them. Nothing secret is hashed; the
 * browser has no BLAKE2b of its own, so one is fetched.
 */
export async function fingerprintsOf(rules: MixnetRules): Promise<Fingerprints> {
  const { blake2b } = await import('@noble/hashes/blake2.js')
  const hashOf = (dkLen: number, label: string, bytes: Uint8Array) =>
    toHex(blake2b.create({ dkLen }).update(utf8(label)).update(bytes).digest())
  const { parameters: _votedOn, ...fixed } = rules
  return {
    network: hashOf(32, 'fog betanet pin v1', utf8(canonicalJson(fixed))),
    authorities: rules.authorities.map(({ signingKey }) =>
      hashOf(16, 'fog betanet key v1', bytesOf(signingKey)).match(/.{4}/g)!.join(' '),
    ),
  }
}

/** Undoes base64url. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
}
