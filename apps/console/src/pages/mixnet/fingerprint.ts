import { blake2b } from '@noble/hashes/blake2.js'
import type { MixnetRules } from '@fog/contract'
import { canonicalJson, toHex, utf8 } from '@fog/kernel'

/**
 * 64 hex digits that stand for all that must not change of a network, computed here from its rules as nodes compute them when they
 * pin it: what is shown can be compared with the log of a node.
 */
export function fingerprintOf(rules: MixnetRules): string {
  const { parameters: _votedOn, ...fixed } = rules
  return toHex(blake2bOf(32, 'fog betanet pin v1', utf8(canonicalJson(fixed))))
}

/** A key by the beginning of its hash, as nodes log it. `key` is base64url. */
export function keyFingerprint(key: string): string {
  const hex = toHex(blake2bOf(16, 'fog betanet key v1', bytesOf(key)))
  return hex.match(/.{4}/g)!.join(' ')
}

function blake2bOf(length: number, label: string, bytes: Uint8Array): Uint8Array {
  return blake2b.create({ dkLen: length }).update(utf8(label)).update(bytes).digest()
}

/** Undoes base64url. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))
}
