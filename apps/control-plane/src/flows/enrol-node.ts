import { enrolmentMessage } from '@fog/contract'
import { enrolled, NodeError } from '@fog/fog'
import { fromHex, newId, type NodeId, toHex, utf8 } from '@fog/kernel'
import { sha256, verify } from '@fog/kernel/node'
import type { Platform } from '../platform.ts'
import type { JoinToken } from '../ports.ts'

export interface EnrolRequest {
  readonly joinToken: string
  readonly name: string
  /** Ed25519, hex. */
  readonly publicKey: string
  /** Over `enrolmentMessage`, hex. */
  readonly signature: string
  readonly labels: Readonly<Record<string, string>>
  readonly address: string
}

/**
 * Takes a device in for the owner of the join token. The device proves that it has the key it names; the same key with a
 * good token is answered with the node it has, so a lost answer can be asked for again.
 */
export async function enrolNode({ database, clock, rng }: Platform, request: EnrolRequest): Promise<NodeId> {
  const { name, publicKey, labels, address } = request
  const joinTokenDigest = toHex(sha256(utf8(request.joinToken)))
  if (!provesKey(request, joinTokenDigest)) throw new NodeError({ code: 'node.signature_invalid' })
  return database.transact(async (tx) => {
    const at = clock.now()
    const token = await tx.access.findJoinTokenByHashForUpdate(joinTokenDigest)
    const known = await tx.nodes.findByPublicKey(publicKey)
    if (known && token && known.ownerId === token.accountId) return known.nodeId
    const good = usableToken(token, at)
    const nodeId = newId('node', at, rng)
    await tx.nodes.add(enrolled({ nodeId, ownerId: good.accountId, name, publicKey, labels, at }))
    await tx.access.saveJoinToken({ ...good, usesLeft: good.usesLeft - 1 })
    const actor = good.userId
    await tx.access.audit({ at, actor, action: 'node.enrolled', subject: nodeId, address, facts: { name } })
    await tx.events.append([{ type: 'node.enrolled', at, nodeId, data: { name } }])
    tx.wake('events')
    return nodeId
  })
}

function provesKey({ publicKey, signature, name }: EnrolRequest, joinTokenDigest: string): boolean {
  const key = fromHex(publicKey)
  const proof = fromHex(signature)
  return (
    key !== undefined &&
    proof !== undefined &&
    verify(enrolmentMessage({ joinTokenDigest, publicKey, name }), proof, key)
  )
}

/** A join token that still lets one in. Throws why it does not. */
export function usableToken(token: JoinToken | undefined, at: number): JoinToken {
  if (!token || token.revokedAt !== undefined) throw new NodeError({ code: 'node.join_token_invalid' })
  if (token.expiresAt <= at) throw new NodeError({ code: 'node.join_token_expired' })
  if (token.usesLeft < 1) throw new NodeError({ code: 'node.join_token_used_up' })
  return token
}
