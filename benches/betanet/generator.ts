import type { SuiteName } from '@fog/betanet/node'
import type { PathHop } from '@fog/betanet/sphinx'
import type { DhKeyPair } from '@fog/kernel'
import type { StockOptions } from './packets.ts'

export type GeneratorOrder =
  | ({
      readonly type: 'build'
      readonly suite: SuiteName
      readonly path: readonly PathHop[]
      readonly count: number
    } & StockOptions)
  | {
      readonly type: 'connect'
      readonly ports: readonly number[]
      readonly own: DhKeyPair
      readonly remote: Uint8Array
    }
  | { readonly type: 'send'; readonly packets: number; readonly perSecond: number }
  /** The whole stock of this parity. */
  | { readonly type: 'send_stock'; readonly parity: 0 | 1; readonly perSecond: number }
  | { readonly type: 'stop' }

export type GeneratorReport =
  | {
      readonly type: 'built'
      /** By the packet's number, as `printOf`. */
      readonly prints: Float64Array
    }
  | { readonly type: 'connected' }
  | {
      readonly type: 'sent'
      /** Number of the first. */
      readonly first: number
      /** Milliseconds since 1970 at which each went to its link. */
      readonly sentAt: Float64Array
      readonly tookMs: number
      /** Bytes that ever waited for a socket: more than a few frames means the node did not keep up. */
      readonly mostUnsent: number
      readonly cpuMicroseconds: number
    }
