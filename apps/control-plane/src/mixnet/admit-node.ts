import { isGenuineAdmission } from '@fog/betanet/directory'
import { type AccountId, fromHex, type Instant, toBase32, toHex, type UserId, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { usableToken } from '../flows/enrol-node.ts'
import type { Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { MixnetError } from './mixnet-error.ts'
import type { Mixnet } from './mixnet.ts'
import type { MixNodeRecord } from './stores.ts'

export interface Admission {
  /** Ed25519, hex. */
  readonly identityKey: string
  /** Of the identity key over the network's admission message, hex. */
  readonly proof: string
  readonly name: string
  /** What its descriptors will say; made up, or what the account has already, unless said. */
  readonly operator?: string | undefined
}

export interface Admitter {
  readonly accountId: AccountId
  readonly userId: UserId
  readonly address: string
}

/** Admits a node of an account. The same one again is answered as it is, so a lost answer can be asked for again. */
export async function admitNode(
  { database, clock }: Platform,
  mixnet: Mixnet,
  by: Admitter,
  admission: Admission,
): Promise<MixNodeRecord> {
  checkProof(mixnet, admission)
  return database.transact((tx) => admit(tx, mixnet, by, admission, clock.now()))
}

/** Admits a node for the owner of a join token, of which it uses one use, unless the node is the owner's already. */
export async function joinNode(
  { database, clock }: Platform,
  mixnet: Mixnet,
  { joinToken, address, ...admission }: Admission & { readonly joinToken: string; readonly address: string },
): Promise<MixNodeRecord> {
  checkProof(mixnet, admission)
  const hash = toHex(sha256(utf8(joinToken)))
  return database.transact(async (tx) => {
    const token = await tx.access.findJoinTokenByHashForUpdate(hash)
    const known = await tx.mixnet.findNode(admission.identityKey)
    if (known && token && known.accountId === token.accountId && known.revokedAt === undefined) return known
    const at = clock.now()
    const { accountId, userId, ...rest } = usableToken(token, at)
    const node = await admit(tx, mixnet, { accountId, userId, address }, admission, at)
    await tx.access.saveJoinToken({ ...rest, accountId, userId, usesLeft: rest.usesLeft - 1 })
    return node
  })
}

/** Refuses a node from now on. Throws `mixnet.node_not_found` unless it is the account's, or `any` may be revoked. */
export async function revokeNode(
  { database, clock }: Platform,
  { accountId, userId, address, any }: Admitter & { readonly any: boolean },
  identityKey: string,
): Promise<void> {
  await database.transact(async (tx) => {
    const node = await tx.mixnet.findNode(identityKey)
    if (!node || (node.accountId !== accountId && !any))
      throw new MixnetError({ code: 'mixnet.node_not_found', identityKey })
    if (node.revokedAt !== undefined) return
    const at = clock.now()
    await tx.mixnet.revokeNode(identityKey, at)
    const act = { actor: userId, action: 'mix_node.revoked', subject: identityKey, address, facts: {} }
    await tx.access.audit({ at, ...act })
    const { name, operator } = node
    await tx.events.append([{ type: 'mixnet.node_revoked', at, data: { identityKey, name, operator } }])
    tx.wake('events')
  })
}

async function admit(
  tx: Transaction,
  { settings }: Mixnet,
  { accountId, userId, address }: Admitter,
  { identityKey, name, operator: wanted }: Admission,
  at: Instant,
): Promise<MixNodeRecord> {
  const known = await tx.mixnet.findNode(identityKey)
  if (known && known.accountId !== accountId) throw new MixnetError({ code: 'mixnet.node_taken', identityKey })
  if (known?.revokedAt !== undefined) throw new MixnetError({ code: 'mixnet.node_revoked', identityKey })
  if (known) return known
  // Taken in turns: of two that are added at once, the second one counts the first.
  await tx.quotas.lock(accountId)
  const limit = settings.nodesPerAccount
  if ((await tx.mixnet.countNodes(accountId)) >= limit) throw new MixnetError({ code: 'mixnet.too_many_nodes', limit })
  const operator = await claimOperator(tx, accountId, wanted)
  const node: MixNodeRecord = { identityKey, accountId, name, operator, addedAt: at }
  if (!(await tx.mixnet.addNode(node))) throw new MixnetError({ code: 'mixnet.node_taken', identityKey })
  const act = { actor: userId, action: 'mix_node.admitted', subject: identityKey, address, facts: { name, operator } }
  await tx.access.audit({ at, ...act })
  await tx.events.append([{ type: 'mixnet.node_admitted', at, data: { identityKey, name, operator } }])
  tx.wake('events')
  return node
}

async function claimOperator(tx: Transaction, accountId: AccountId, wanted: string | undefined): Promise<string> {
  const operator = await tx.mixnet.claimOperator(accountId, wanted ?? madeUpOperator(accountId))
  if (operator === undefined) {
    throw new MixnetError({ code: 'mixnet.operator_taken', operator: wanted ?? madeUpOperator(accountId) })
  }
  if (wanted !== undefined && operator !== wanted) throw new MixnetError({ code: 'mixnet.operator_fixed', operator })
  return operator
}

/** Says nothing of the account, and is the same for all its nodes. */
function madeUpOperator(accountId: AccountId): string {
  return `operator-${toBase32(sha256(utf8(`fog mixnet operator ${accountId}`))).slice(0, 16)}`
}

function checkProof({ rules }: Mixnet, { identityKey, proof }: Admission): void {
  const [key, signature] = [fromHex(identityKey), fromHex(proof)]
  if (!key || !signature || !isGenuineAdmission(rules.network, key, signature))
    throw new MixnetError({ code: 'mixnet.proof_invalid', identityKey })
}
