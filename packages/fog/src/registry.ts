import type { AccountId, Instant, NodeId } from '@fog/kernel'
import { NodeError } from './node-error.ts'
import type { DeviceFacts, FogNode, Harvest } from './node.ts'
import { NOTHING } from './resources.ts'

/** Trust of a node nobody has seen work yet: the middle, so that both good and bad results show. */
export const FIRST_TRUST = 500

export const MOST_LABELS = 32

export interface Enrolment {
  readonly nodeId: NodeId
  /** Who is paid for its work. */
  readonly ownerId: AccountId
  readonly name: string
  /** Ed25519, hex. */
  readonly publicKey: string
  readonly labels: Readonly<Record<string, string>>
  readonly at: Instant
}

/**
 * A new node. It is unreachable and offers nothing until its channel opens and it states its facts.
 * Throws `node.name_invalid`, `node.key_malformed` or `node.label_invalid`.
 */
export function enrolled({ at, ...facts }: Enrolment): FogNode {
  if (!/^[0-9a-f]{64}$/.test(facts.publicKey)) {
    throw new NodeError({ code: 'node.key_malformed', publicKey: facts.publicKey.slice(0, 80) })
  }
  return {
    ...facts,
    name: parseNodeName(facts.name),
    labels: parseLabels(facts.labels),
    device: UNSTATED,
    capacity: NOTHING,
    reserved: NOTHING,
    reservations: 0,
    health: 'unreachable',
    healthSince: at,
    harvest: NOT_YET,
    duty: 'active',
    trust: FIRST_TRUST,
    enrolledAt: at,
    lastSeenAt: at,
  }
}

const UNSTATED: DeviceFacts = {
  os: 'unknown',
  arch: 'unknown',
  cores: 0,
  memoryBytes: 0,
  kinds: [],
  agentVersion: 'unknown',
}

const NOT_YET: Harvest = { mode: 'off', reasons: ['it has not connected yet'], cpuShare: 0, maxTasks: 0 }

/** A name people can read: 1 to 100 printable characters, no space at either end. Throws `node.name_invalid`. */
export function parseNodeName(name: string): string {
  if (!isPrintable(name, 100) || name === '' || name !== name.trim()) {
    throw new NodeError({ code: 'node.name_invalid', name: name.slice(0, 120) })
  }
  return name
}

/**
 * Labels as jobs ask for them: at most 32, keys like `region`, `domain` or `gpu.vendor`, values of at most 100 printable
 * characters. Throws `node.label_invalid`.
 */
export function parseLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(labels)
  for (const [key, value] of entries) {
    const label = `${key.slice(0, 80)}: ${value.slice(0, 120)}`
    if (!/^[a-z][a-z0-9_.-]{0,62}$/.test(key)) throw invalid(label, 'its key is not 1 to 63 of a-z, 0-9, _ . and -')
    if (!isPrintable(value, 100)) throw invalid(label, 'its value is not up to 100 printable characters')
  }
  const extra = entries[MOST_LABELS]
  if (extra) throw invalid(extra[0], `it is one of ${entries.length}`)
  return Object.fromEntries(entries)
}

function isPrintable(text: string, most: number): boolean {
  return text.length <= most && !/\p{Cc}/u.test(text)
}

function invalid(label: string, why: string): NodeError {
  return new NodeError({ code: 'node.label_invalid', label, why })
}
