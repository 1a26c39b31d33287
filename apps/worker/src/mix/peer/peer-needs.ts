import type { Clock, NoiseSuite, Rng } from '@fog/kernel'
import type { Logger } from 'pino'
import type { PeerConfig } from '../config.ts'
import type { PeerNetwork } from './peer-network.ts'

/** What a command was asked for beside its settings. */
export interface PeerArgs {
  readonly words: readonly string[]
  readonly anonymous: boolean
  readonly wait: boolean
  readonly node: string | undefined
  readonly count: number | undefined
  readonly seconds: number | undefined
  readonly epoch: number | undefined
  readonly epochs: number | undefined
  readonly probes: number | undefined
  /** Milliseconds. */
  readonly slack: number | undefined
  /** Of the loopback. */
  readonly port: number | undefined
}

/** What a command of a peer is handed. */
export interface PeerNeeds {
  readonly config: PeerConfig
  readonly args: PeerArgs
  readonly log: Logger
  readonly signal: AbortSignal
  /** One JSON line on standard output. */
  readonly say: (line: { readonly type: string; readonly [fact: string]: unknown }) => void
  readonly open: () => Promise<PeerNetwork>
  readonly clock: Clock
  readonly rng: Rng
  readonly noise: NoiseSuite
  /** Milliseconds that only grow. */
  readonly now: () => number
}
