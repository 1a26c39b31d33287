import type { Scope } from '@fog/contract'
import { newId, type Instant, type TokenId, type UserId } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { ApiToken, Transaction } from '../ports.ts'
import { noteAct } from './audit.ts'
import type { KnownCaller } from './known-caller.ts'
import { AccessError } from './errors.ts'
import { may } from './scopes.ts'
import { hashSecret, newSecret, TOKEN_PREFIX } from './secrets.ts'

/** `lastUsedAt` is for people: one write a minute is enough. */
const TOUCH_MS = 60_000
const DAY_MS = 24 * 3_600_000

export interface NewToken {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Undefined never expires. */
  readonly days?: number | undefined
}

export interface AddedToken {
  readonly token: ApiToken
  /** Shown once; only its hash is kept. */
  readonly secret: string
}

/** Makes an API token of the caller's. Throws `access.scope_not_yours` for a scope the caller does not have. */
export async function addToken(platform: Platform, caller: KnownCaller, wanted: NewToken): Promise<AddedToken> {
  const beyond = wanted.scopes.find((scope) => !may(caller.scopes, scope))
  if (beyond) throw new AccessError({ code: 'access.scope_not_yours', scope: beyond })
  return platform.database.transact((tx) =>
    openToken(tx, platform, { ...wanted, ...caller, name: wanted.name, scopes: wanted.scopes }),
  )
}

/** Makes a token for a user whose rights were checked before. */
export async function openToken(
  { access }: Transaction,
  { clock, rng }: Pick<Platform, 'clock' | 'rng'>,
  wanted: NewToken & { readonly userId: UserId; readonly address: string },
): Promise<AddedToken> {
  const { userId, name, scopes, days, address } = wanted
  const now = clock.now()
  const secret = newSecret(TOKEN_PREFIX, rng)
  const token: ApiToken = {
    tokenId: newId('token', now, rng),
    userId,
    name,
    hash: hashSecret(secret),
    scopes,
    createdAt: now,
    expiresAt: days === undefined ? undefined : now + days * DAY_MS,
  }
  await access.addToken(token)
  const facts = { scopes: scopes.join(' ') }
  await noteAct(access, clock, { actor: userId, action: 'token.added', subject: token.tokenId, address, facts })
  return { token, secret }
}

/** Revokes one of the caller's tokens. Answers whether there was one to revoke. */
export async function revokeToken(
  { database, clock }: Platform,
  caller: KnownCaller,
  tokenId: TokenId,
): Promise<boolean> {
  return database.transact(async ({ access }) => {
    // The user's row stands for all their tokens: nobody writes one meanwhile.
    await access.findUserForUpdate(caller.userId)
    const token = await access.findToken(tokenId)
    if (token?.userId !== caller.userId || token.revokedAt !== undefined) return false
    await access.saveToken({ ...token, revokedAt: clock.now() })
    const { userId: actor, address } = caller
    await noteAct(access, clock, { actor, action: 'token.revoked', subject: tokenId, address })
    return true
  })
}

/** The token with this secret. Throws `access.token_invalid` or `access.token_expired`. */
export async function useToken(platform: Platform, secret: string): Promise<ApiToken> {
  const now = platform.clock.now()
  const token = await platform.database.read.access.findTokenByHash(hashSecret(secret))
  if (!token || token.revokedAt !== undefined) throw new AccessError({ code: 'access.token_invalid' })
  if (isExpired(token, now)) throw new AccessError({ code: 'access.token_expired' })
  if (token.lastUsedAt === undefined || now - token.lastUsedAt >= TOUCH_MS) await touch(platform, token)
  return token
}

export function isGoodToken(token: ApiToken | undefined, now: Instant): token is ApiToken {
  return token !== undefined && token.revokedAt === undefined && !isExpired(token, now)
}

function isExpired(token: ApiToken, now: Instant): boolean {
  return token.expiresAt !== undefined && token.expiresAt <= now
}

async function touch({ database, clock }: Platform, { tokenId, userId }: ApiToken): Promise<void> {
  await database.transact(async ({ access }) => {
    await access.findUserForUpdate(userId)
    const token = await access.findToken(tokenId)
    if (token && token.revokedAt === undefined) await access.saveToken({ ...token, lastUsedAt: clock.now() })
  })
}
