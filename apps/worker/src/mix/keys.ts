import { join } from 'node:path'
import type { MixKeys } from '@fog/betanet/node'
import type { DhKeyPair, Rng } from '@fog/kernel'
import { keyPairFromSeed, x25519Base, X25519_BYTES } from '@fog/kernel/node'
import { openSecrets } from './secret-file.ts'

/** A node's keys, made when it first starts: they are what it is known by. */
export function openMixKeys(folder: string, rng: Rng): MixKeys {
  const { identity, link, vrf } = openSecrets(join(folder, 'keys.json'), ['identity', 'link', 'vrf'], rng)
  return { identity: keyPairFromSeed(identity), link: dhKeyPair(link), vrfSecretKey: vrf }
}

/** A peer's key: whoever knows its public half can send to it. */
export function openPeerKeys(folder: string, rng: Rng): DhKeyPair {
  return dhKeyPair(openSecrets(join(folder, 'peer-key.json'), ['peer'], rng).peer)
}

function dhKeyPair(secretKey: Uint8Array): DhKeyPair {
  const publicKey = Buffer.alloc(X25519_BYTES)
  x25519Base(publicKey, Buffer.from(secretKey))
  return { publicKey: Uint8Array.from(publicKey), secretKey }
}
