import type { SuiteName } from '@fog/betanet/node'
import type { DhKeyPair } from '@fog/kernel'

export type SinkOrder =
  | { readonly type: 'start'; readonly suite: SuiteName; readonly linkKeys: DhKeyPair; readonly most: number }
  | { readonly type: 'await'; readonly packets: number; readonly mostMs: number }
  | { readonly type: 'verify'; readonly secretKey: Uint8Array; readonly count: number }
  | { readonly type: 'stop' }

export type SinkReport =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'received'; readonly packets: number }
  | {
      readonly type: 'verified'
      readonly received: number
      readonly broken: number
      readonly repeated: number
      /** By the packet's number: milliseconds since 1970, 0 for one that never came. */
      readonly arrivedAt: Float64Array
    }
