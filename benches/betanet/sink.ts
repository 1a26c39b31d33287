import type { SuiteName } from '@fog/betanet/node'
import type { DhKeyPair } from '@fog/kernel'

export type SinkOrder =
  | { readonly type: 'start'; readonly suite: SuiteName; readonly linkKeys: DhKeyPair; readonly most: number }
  | { readonly type: 'await'; readonly packets: number; readonly mostMs: number }
  | { readonly type: 'verify'; readonly secretKey: Uint8Array; readonly count: number }
  /** From now on packets are not kept but told apart by what they are known by, `printOf`; numbers go on from list to list. */
  | { readonly type: 'expect'; readonly prints: Float64Array }
  /** How often each of the numbers `from` to `until` came since it was last asked. */
  | { readonly type: 'tally'; readonly from: number; readonly until: number }
  | { readonly type: 'stop' }

export type SinkReport =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'received'; readonly packets: number }
  | { readonly type: 'expecting' }
  | {
      readonly type: 'tallied'
      readonly once: number
      readonly missing: number
      readonly repeated: number
      /** Bytes that are no packet sent, since the start. */
      readonly unknown: number
    }
  | {
      readonly type: 'verified'
      readonly received: number
      readonly broken: number
      readonly repeated: number
      /** By the packet's number: milliseconds since 1970, 0 for one that never came. */
      readonly arrivedAt: Float64Array
    }
