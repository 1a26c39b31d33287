import type { DhKeyPair } from '@fog/kernel'
import type { DelayHistogram } from '../delay/index.ts'
import type { suites } from '../sphinx/index.ts'
import type { Neighbour } from './out-links.ts'
import type { VerticalLimits } from './vertical.ts'

/** What crosses between a mix node's main thread and its verticals. Never a packet that only passes through. */

export type SuiteName = keyof typeof suites

export interface ThreadData {
  readonly thread: number
  readonly suite: SuiteName
  readonly linkKeys: DhKeyPair
  readonly takesClients: boolean
  readonly datagrams: boolean
  readonly host: string
  readonly port: number
  readonly limits: VerticalLimits
  readonly stats: SharedArrayBuffer
}

/** What a node works with in one epoch. Secrets: never logged, wiped by the receiver. */
export interface EpochSecrets {
  readonly epoch: number
  /** 32 bytes, X25519. */
  readonly sphinxSecretKey: Uint8Array
  /** 64 bytes: what the node's delays of the epoch come from. */
  readonly delayOutput: Uint8Array
  /** Mean of each delay class, in steps of 0.1 ms. */
  readonly meanSteps: readonly number[]
  /** Shared by all threads: from `newReplayMemory`. */
  readonly replayMemory: SharedArrayBuffer
}

export type ToThread =
  | { readonly type: 'epochs'; readonly epochs: readonly EpochSecrets[] }
  | { readonly type: 'neighbours'; readonly neighbours: readonly Neighbour[] }
  | { readonly type: 'send'; readonly nodeId: Uint8Array; readonly packet: Uint8Array }
  | { readonly type: 'deliver'; readonly linkKey: Uint8Array; readonly body: Uint8Array }
  | { readonly type: 'drain' }
  | { readonly type: 'stop' }

export type FromThread =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly message: string }
  | {
      readonly type: 'arrived'
      readonly recipient: Uint8Array | undefined
      readonly surbId: Uint8Array | undefined
      readonly body: Uint8Array
    }
  | { readonly type: 'client'; readonly linkKey: Uint8Array; readonly isHere: boolean }
  | { readonly type: 'taken'; readonly linkKey: Uint8Array; readonly ids: Uint8Array }
  | { readonly type: 'paced'; readonly linkKey: Uint8Array; readonly meanMs: number }
  | { readonly type: 'link_closed'; readonly peer: string; readonly why: string }
  /** Of an epoch that is over, at this thread. */
  | { readonly type: 'stays'; readonly histogram: DelayHistogram }
  | { readonly type: 'drained' }
