import { type JoinTokenId, newId } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { JoinToken } from '../ports.ts'
import { noteAct } from './audit.ts'
import type { KnownCaller } from './known-caller.ts'
import { hashSecret, JOIN_TOKEN_PREFIX, newSecret } from './secrets.ts'

const HOUR_MS = 3_600_000
const DEFAULT_HOURS = 24

export interface NewJoinToken {
  readonly name: string
  readonly uses?: number | undefined
  readonly hours?: number | undefined
}

export interface AddedJoinToken {
  readonly joinToken: JoinToken
  /** Shown once; only its hash is kept. */
  readonly secret: string
}

/** Makes a token with which devices enrol for the caller's account. */
export async function addJoinToken(
  { database, clock, rng }: Platform,
  caller: Pick<KnownCaller, 'userId' | 'accountId' | 'address'>,
  { name, uses = 1, hours = DEFAULT_HOURS }: NewJoinToken,
): Promise<AddedJoinToken> {
  const now = clock.now()
  const { userId, accountId, address } = caller
  const secret = newSecret(JOIN_TOKEN_PREFIX, rng)
  const joinToken: JoinToken = {
    joinTokenId: newId('joinToken', now, rng),
    userId,
    accountId,
    name,
    hash: hashSecret(secret),
    usesLeft: uses,
    createdAt: now,
    expiresAt: now + hours * HOUR_MS,
  }
  await database.transact(async ({ access }) => {
    await access.addJoinToken(joinToken)
    const facts = { uses, hours }
    await noteAct(access, clock, {
      actor: userId,
      action: 'join_token.added',
      subject: joinToken.joinTokenId,
      address,
      facts,
    })
  })
  return { joinToken, secret }
}

/** Revokes one of the caller's join tokens. Answers whether there was one to revoke. */
export async function revokeJoinToken(
  { database, clock }: Platform,
  caller: KnownCaller,
  joinTokenId: JoinTokenId,
): Promise<boolean> {
  return database.transact(async ({ access }) => {
    const found = await access.findJoinToken(joinTokenId)
    if (found?.userId !== caller.userId) return false
    // Locked: a device may be using it up right now.
    const token = await access.findJoinTokenByHashForUpdate(found.hash)
    if (!token || token.revokedAt !== undefined) return false
    await access.saveJoinToken({ ...token, revokedAt: clock.now() })
    const { userId: actor, address } = caller
    await noteAct(access, clock, { actor, action: 'join_token.revoked', subject: joinTokenId, address })
    return true
  })
}
