import type { MixnetRules } from '@fog/contract'
import { canonicalJson, toHex, utf8 } from '@fog/kernel'
import { blake2b } from '../submit/hash.ts'

export interface Fingerprints {
  /** 64 hex digits that stand for all that must not change of a network. */
  readonly network: string
  /** Of each authority's key, as nodes log them. */
  readonly authorities: readonly string[]
}

/** What people compare, computed here from a network's rules as nodes compute it when they pin them. */
export async function fingerprintsOf(rules: MixnetRules): Promise<Fingerprints> {
  const { parameters: _votedOn, ...fixed } = rules
  const [network, ...authorities] = await Promise.all([
    hexOf(32, 'fog betanet pin v1', utf8(canonicalJson(fixed))),
    ...rules.authorities.map(async ({ signingKey }) => hexOf(16, 'fog betanet key v1', bytesOf(signingKey))),
  ])
  return { network, authorities: authorities.map((hex) => hex.match(/.{4}/g)!.join(' ')) }
}

async function hexOf(length: number, label: string, bytes: Uint8Array): Promise<string> {
  return toHex(await blake2b(length, utf8(label), bytes))
}

/** Undoes base64url. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
}
