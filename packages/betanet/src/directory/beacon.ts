import { concat, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import { prove, verify } from '../vrf/index.ts'

/** The value of an epoch that nobody chooses: 32 bytes. It seeds the lottery and every node's delays. */
export type Beacon = Uint8Array

export interface BeaconPlace {
  /** 32 bytes. */
  readonly network: Uint8Array
  readonly epoch: number
  /** The beacon of the consensus before. */
  readonly previous: Beacon
}

export interface Contribution {
  /** The authority's id: its signing key. */
  readonly authority: Uint8Array
  /** 80 bytes. */
  readonly proof: Uint8Array
}

/** What the first epoch follows on. */
export function genesisBeacon(network: Uint8Array): Beacon {
  return blake2b(32, undefined, utf8('fog betanet genesis v1'), network)
}

/** An authority's part. There is only one for each place: it can be withheld, not chosen. */
export function contribute(vrfSecretKey: Uint8Array, place: BeaconPlace): Uint8Array {
  return prove('tai', vrfSecretKey, alphaOf(place))
}

/** The 64 bytes of a contribution; undefined when the authority of this VRF key did not make it for this place. */
export function openContribution(vrfKey: Uint8Array, place: BeaconPlace, proof: Uint8Array): Uint8Array | undefined {
  return verify('tai', vrfKey, alphaOf(place), proof)
}

/** The beacon that these contributions make. They are given in the order of the authorities' ids, with their outputs. */
export function beaconOf(
  place: BeaconPlace,
  outputs: readonly { readonly authority: Uint8Array; readonly output: Uint8Array }[],
): Beacon {
  const parts = outputs.flatMap(({ authority, output }) => [authority, output])
  return blake2b(32, undefined, utf8('fog betanet beacon v1'), alphaOf(place), ...parts)
}

function alphaOf({ network, epoch, previous }: BeaconPlace): Uint8Array {
  const epochBytes = new Uint8Array(8)
  new DataView(epochBytes.buffer).setBigUint64(0, BigInt(epoch))
  return concat(utf8('fog betanet beacon part v1'), network, epochBytes, previous)
}
