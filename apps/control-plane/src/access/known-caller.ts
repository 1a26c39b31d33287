import type { Instant, NodeId, SessionId, TokenId } from '@fog/kernel'
import type { Caller } from '../platform.ts'

/** A person who proved who they are, and by what. */
export interface KnownCaller extends Caller {
  readonly sessionId?: SessionId | undefined
  readonly tokenId?: TokenId | undefined
  /** Until when the proof is good; undefined for a token that never expires. */
  readonly provenUntil: Instant | undefined
}

/** A worker's node, by the token its gateway gave it. */
export interface NodeCaller {
  readonly nodeId: NodeId
  readonly address: string
}
