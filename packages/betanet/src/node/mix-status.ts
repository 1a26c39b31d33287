import type { Descriptor, DirectoryStanding, StandingEvent } from '../directory/index.ts'
import type { Stats } from '../mix/index.ts'

/** What is worth telling whoever runs the node. Never who talks to whom. */
export type MixEvent =
  | { readonly type: 'descriptor.published'; readonly epoch: number }
  | { readonly type: 'descriptor.refused'; readonly epoch: number; readonly why: string }
  | { readonly type: 'consensus.taken'; readonly epoch: number; readonly place: string; readonly nodes: number }
  | { readonly type: 'consensus.refused'; readonly reason: string; readonly detail: string }
  | { readonly type: 'directory.unreachable'; readonly why: string }
  | StandingEvent
  /** This machine's clock is further from the directory's than the network allows for. */
  | { readonly type: 'clock.off'; readonly aheadMs: number; readonly mostMs: number }
  | { readonly type: 'link.closed'; readonly peer: string; readonly why: string }
  | { readonly type: 'node.failed'; readonly why: string }

/** How a node stands, as its operator is shown it. */
export interface MixStatus {
  readonly nodeId: string
  readonly role: Descriptor['role']
  readonly ports: readonly number[]
  /** How it stands with the directory. */
  readonly directory: DirectoryStanding
  /** Epochs whose packets it takes now. */
  readonly served: readonly number[]
  readonly epoch: number | undefined
  readonly place: string | undefined
  readonly weight: number | undefined
  readonly nodes: number
  readonly clients: number
  readonly waiting: number
  readonly loops: { readonly sent: number; readonly returned: number; readonly lost: number }
  readonly figures: ReturnType<Stats['snapshot']>
}
