import type { Scope } from '@fog/contract'
import type { Platform } from '../platform.ts'
import type { User } from '../ports.ts'
import type { Access } from './access.ts'
import { AccessError } from './errors.ts'
import type { KnownCaller, NodeCaller } from './known-caller.ts'
import { may, scopesOf } from './scopes.ts'
import { TOKEN_PREFIX } from './secrets.ts'
import { isLiveSession } from './sessions.ts'
import { useToken } from './tokens.ts'

/** Who sent this bearer token. Throws `access.token_invalid` or `access.token_expired`. */
export async function knowCaller(
  platform: Platform,
  access: Access,
  token: string,
  address: string,
): Promise<KnownCaller> {
  return token.startsWith(TOKEN_PREFIX)
    ? knowByToken(platform, token, address)
    : knowBySession(platform, access, token, address)
}

/** Which node sent this bearer token. Throws `access.token_invalid` or `access.token_expired`. */
export async function knowNode(access: Access, token: string, address: string): Promise<NodeCaller> {
  return { nodeId: await access.signer.verifyNodeToken(token), address }
}

/** The token of an `Authorization: Bearer` header (RFC 6750), or undefined where there is none. */
export function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const token = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(header)?.[1]
  if (!token) throw new AccessError({ code: 'access.token_invalid' })
  return token
}

/** Throws `access.scope_missing`. */
export function needScope(caller: KnownCaller, scope: Scope): void {
  if (!may(caller.scopes, scope)) throw new AccessError({ code: 'access.scope_missing', scope })
}

/** Whether they see what belongs to others. An admin's token sees it only with the scope `admin`. */
export function seesAll(caller: KnownCaller): boolean {
  return caller.scopes.has('admin')
}

async function knowBySession(platform: Platform, access: Access, token: string, address: string): Promise<KnownCaller> {
  const { userId, sessionId, expiresAt } = await access.signer.verifyAccessToken(token)
  const store = platform.database.read.access
  // Looked up rather than believed: a log-out or a lost role counts at once.
  const [user, session] = await Promise.all([store.findUser(userId), store.findSession(sessionId)])
  if (user?.status !== 'active' || !session || !isLiveSession(session, platform.clock.now())) {
    throw new AccessError({ code: 'access.token_invalid' })
  }
  return { ...caller(user, address, scopesOf(user.role)), by: 'session', sessionId, provenUntil: expiresAt }
}

async function knowByToken(platform: Platform, secret: string, address: string): Promise<KnownCaller> {
  const token = await useToken(platform, secret)
  const user = await platform.database.read.access.findUser(token.userId)
  if (user?.status !== 'active') throw new AccessError({ code: 'access.token_invalid' })
  const allowed = new Set(scopesOf(user.role))
  const scopes = token.scopes.filter((scope) => allowed.has(scope))
  return { ...caller(user, address, scopes), by: 'token', tokenId: token.tokenId, provenUntil: token.expiresAt }
}

function caller({ userId, name, accountId, role }: User, address: string, scopes: readonly Scope[]) {
  return { userId, name, accountId, role, address, scopes: new Set(scopes) }
}
