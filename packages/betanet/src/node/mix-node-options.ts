import type { Clock, DhKeyPair, NoiseSuite, Rng } from '@fog/kernel'
import type { KeyPair } from '@fog/kernel/node'
import type { Descriptor, Schedule, Trust } from '../directory/index.ts'
import type { MixEngine, MixEngineOptions } from './mix-engine.ts'
import type { MixEvent } from './mix-status.ts'
import type { SuiteName } from './thread-messages.ts'
import type { VerticalLimits } from './vertical.ts'

/** Keys a node keeps over restarts. */
export interface MixKeys {
  /** Ed25519: its id in packets is the public key. */
  readonly identity: KeyPair
  readonly link: DhKeyPair
  /** 32 bytes. */
  readonly vrfSecretKey: Uint8Array
}

/** Where descriptors go and consensuses come from. What comes is believed only for its signatures. */
export interface DirectoryAccess {
  /** Takes a signed descriptor; throws with the directory's reason when it is refused. */
  publish(descriptor: Uint8Array): Promise<void>
  /** The newest signed consensus, or that of an epoch. */
  consensus(epoch?: number): Promise<Uint8Array | undefined>
  /** How far this machine's clock is ahead of the directory's, if it told the time. For people: nothing is done by it. */
  readonly clockAheadMs?: number | undefined
}

export interface MixNodeOptions {
  readonly role: Descriptor['role']
  readonly operator: string
  /** Where to listen, and the name others reach it by. */
  readonly host: string
  readonly advertisedHost: string
  /** One a thread; 0 takes any free one. */
  readonly ports: readonly number[]
  readonly suite: SuiteName
  readonly datagrams: boolean
  readonly packetsPerSecond: number
  readonly trust: Trust
  readonly schedule: Schedule
  readonly limits?: VerticalLimits | undefined
  /** Consensuses it held before it was started anew, oldest first: what is older is refused as ever. */
  readonly documents?: readonly Uint8Array[] | undefined
}

export interface MixNodeDependencies {
  readonly keys: MixKeys
  readonly directory: DirectoryAccess
  readonly noise: NoiseSuite
  readonly clock: Clock
  readonly rng: Rng
  readonly log: (event: MixEvent) => void
  /** What serves its packets: real threads, unless another is given. */
  readonly makeEngine?: ((options: MixEngineOptions) => MixEngine) | undefined
}
