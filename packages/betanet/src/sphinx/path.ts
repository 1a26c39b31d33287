import { MOST_DELAY_CLASS, MOST_DELAY_MS } from './commands.ts'
import { KEY_BYTES, NODE_ID_BYTES, RECIPIENT_BYTES, SURB_ID_BYTES } from './geometry.ts'
import { SphinxError } from './sphinx-error.ts'
import type { SphinxSuite } from './suite.ts'

/** One mix node on a packet's way, and what it is told. */
export interface PathHop {
  /** 32 bytes: how the hop before it names it. */
  readonly id: Uint8Array
  /** 32 bytes: its X25519 Sphinx key of the epoch. */
  readonly publicKey: Uint8Array
  /** How long it holds the packet, where the sender chooses (`katzenpost-x25519`). */
  readonly delayMs?: number
  /** From which distribution it draws the time itself (`betanet-kem-x25519`); 0 when left out. */
  readonly delayClass?: number
  /** 32 bytes, at the last hop: for whom the payload is. A SURB may do without. */
  readonly recipient?: Uint8Array
}

/** Throws `sphinx.path_invalid` unless a packet of the suite can take this path. */
export function checkPath(suite: SphinxSuite, path: readonly PathHop[], surbId: Uint8Array | undefined): void {
  const reason = wrongWith(suite, path, surbId)
  if (reason) throw new SphinxError({ code: 'sphinx.path_invalid', suite: suite.name, reason })
}

function wrongWith(suite: SphinxSuite, path: readonly PathHop[], surbId: Uint8Array | undefined): string | undefined {
  const { hops } = suite.geometry
  if (path.length < 1 || path.length > hops) return `it has ${path.length} hops, not 1 to ${hops}`
  if (surbId && surbId.length !== SURB_ID_BYTES) return `a SURB id has ${SURB_ID_BYTES} bytes`
  if (!surbId && !path.at(-1)?.recipient) return 'its last hop names no recipient'
  if (path.slice(0, -1).some(({ recipient }) => recipient)) return 'a hop before the last names a recipient'
  return path.map((hop) => wrongHop(suite, hop)).find((reason) => reason !== undefined)
}

function wrongHop({ delays }: SphinxSuite, hop: PathHop): string | undefined {
  const { id, publicKey, recipient, delayMs, delayClass } = hop
  if (id.length !== NODE_ID_BYTES) return `a node id has ${NODE_ID_BYTES} bytes`
  if (publicKey.length !== KEY_BYTES) return `a node's key has ${KEY_BYTES} bytes`
  if (recipient && recipient.length !== RECIPIENT_BYTES) return `a recipient has ${RECIPIENT_BYTES} bytes`
  if (delays === 'class' ? delayMs !== undefined : delayClass !== undefined) return `its delays are in ${delays}`
  if (!isWithin(delayMs, MOST_DELAY_MS) || !isWithin(delayClass, MOST_DELAY_CLASS)) return 'a delay is out of range'
  return undefined
}

function isWithin(value: number | undefined, most: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= 0 && value <= most)
}
