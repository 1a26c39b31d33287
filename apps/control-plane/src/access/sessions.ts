import { newId, type Instant, isId, type SessionId, toBase32 } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { Session, Transaction, User } from '../ports.ts'
import type { Access } from './access.ts'
import { noteAct } from './audit.ts'
import type { KnownCaller } from './known-caller.ts'
import { AccessError } from './errors.ts'
import { afterFailure, isLocked, unlocked } from './lockout.ts'
import { hashSecret, sameSecret } from './secrets.ts'

/** From the log-in on, however often it is refreshed: once a month everybody proves their password. */
export const SESSION_MS = 30 * 24 * 3_600_000
/** Hashes of used refresh tokens kept for a session. An older one is refused too, but no longer ends the log-in. */
const USED_HASHES = 50
const REFRESH_PREFIX = 'fogr_'
const MAX_USER_AGENT = 200

export interface IssuedSession {
  readonly sessionId: SessionId
  readonly accessToken: string
  readonly expiresAt: Instant
  readonly refreshToken: string
  /** When the log-in itself ends. */
  readonly endsAt: Instant
}

export interface Device {
  readonly address: string
  readonly userAgent: string
}

export interface LogIn extends Device {
  readonly name: string
  readonly password: string
}

/** Logs in by name and password. Throws `access.login_refused`, the same after the same time whatever was wrong. */
export async function logIn(
  platform: Platform,
  access: Access,
  { name, password, ...device }: LogIn,
): Promise<IssuedSession> {
  const { database, clock } = platform
  const named = await database.read.access.findUserByName(name.toLowerCase())
  const right = await access.passwords.check(named?.passwordHash, password)
  if (!named) throw new AccessError({ code: 'access.login_refused' })

  // Judged on the locked row: of many guesses at once only the first few are looked at.
  const opened = await database.transact(async (tx) => {
    const user = await tx.access.findUserForUpdate(named.userId)
    if (!user || user.status !== 'active' || isLocked(user, clock.now())) return undefined
    // The password may have been changed between the look and the lock.
    if (!right || user.passwordHash !== named.passwordHash) {
      await noteFailure(tx, platform, user, device)
      return undefined
    }
    if (user.failedLogins > 0) await tx.access.saveUser(unlocked(user))
    await noteAct(tx.access, clock, { ...device, actor: user.userId, action: 'user.logged_in', subject: user.userId })
    return openSession(tx, platform, user, device)
  })
  if (!opened) throw new AccessError({ code: 'access.login_refused' })
  return issue(access, opened)
}

/** Opens a session for a user who has just proved who they are. */
export async function openSession(
  tx: Transaction,
  { clock, rng }: Pick<Platform, 'clock' | 'rng'>,
  user: User,
  { userAgent }: Pick<Device, 'userAgent'>,
): Promise<OpenedSession> {
  const now = clock.now()
  const sessionId = newId('session', now, rng)
  const refreshToken = newRefreshToken(sessionId, rng)
  const session: Session = {
    sessionId,
    userId: user.userId,
    refreshHash: hashSecret(refreshToken),
    usedHashes: [],
    createdAt: now,
    expiresAt: now + SESSION_MS,
    userAgent: userAgent.slice(0, MAX_USER_AGENT),
  }
  await tx.access.addSession(session)
  return { session, refreshToken }
}

export interface OpenedSession {
  readonly session: Session
  readonly refreshToken: string
}

/** Signs the session's access token. */
export async function issue(access: Access, { session, refreshToken }: OpenedSession): Promise<IssuedSession> {
  const { sessionId, userId } = session
  const { token, expiresAt } = await access.signer.mintAccessToken(userId, sessionId)
  return { sessionId, accessToken: token, expiresAt, refreshToken, endsAt: session.expiresAt }
}

/**
 * Trades a refresh token for a new pair. One that was used before ends the log-in, for then two hold a copy: throws
 * `access.refresh_reused`; any other that is not good `access.refresh_refused`.
 */
export async function refresh(
  platform: Platform,
  access: Access,
  { refreshToken, address }: { readonly refreshToken: string; readonly address: string },
): Promise<IssuedSession> {
  const sessionId = sessionOf(refreshToken)
  if (!sessionId) throw new AccessError({ code: 'access.refresh_refused' })
  const outcome = await platform.database.transact((tx) => rotate(tx, platform, { sessionId, refreshToken, address }))
  if (typeof outcome === 'string') throw new AccessError({ code: outcome })
  return issue(access, outcome)
}

async function rotate(
  tx: Transaction,
  { clock, rng }: Platform,
  given: { readonly sessionId: SessionId; readonly refreshToken: string; readonly address: string },
): Promise<OpenedSession | 'access.refresh_refused' | 'access.refresh_reused'> {
  const now = clock.now()
  const session = await tx.access.findSessionForUpdate(given.sessionId)
  if (!session || !isLiveSession(session, now)) return 'access.refresh_refused'
  const hash = hashSecret(given.refreshToken)
  if (session.usedHashes.some((used) => sameSecret(used, hash))) {
    await tx.access.saveSession({ ...session, endedAt: now })
    const { userId: actor, sessionId: subject } = session
    await noteAct(tx.access, clock, { actor, action: 'session.reuse_detected', subject, address: given.address })
    return 'access.refresh_reused'
  }
  if (!sameSecret(session.refreshHash, hash)) return 'access.refresh_refused'
  const user = await tx.access.findUser(session.userId)
  if (user?.status !== 'active') return 'access.refresh_refused'

  const refreshToken = newRefreshToken(session.sessionId, rng)
  const usedHashes = [...session.usedHashes, hash].slice(-USED_HASHES)
  const rotated = { ...session, refreshHash: hashSecret(refreshToken), usedHashes }
  await tx.access.saveSession(rotated)
  return { session: rotated, refreshToken }
}

/** Ends one of the caller's log-ins. Answers whether it was live. */
export async function endSession(
  { database, clock }: Platform,
  caller: KnownCaller,
  sessionId: SessionId,
): Promise<boolean> {
  return database.transact(async ({ access }) => {
    const session = await access.findSessionForUpdate(sessionId)
    if (session?.userId !== caller.userId || !isLiveSession(session, clock.now())) return false
    await access.saveSession({ ...session, endedAt: clock.now() })
    const { userId: actor, address } = caller
    await noteAct(access, clock, { actor, action: 'session.ended', subject: sessionId, address })
    return true
  })
}

export function isLiveSession(session: Session, now: Instant): boolean {
  return session.endedAt === undefined && now < session.expiresAt
}

async function noteFailure(tx: Transaction, { clock }: Platform, user: User, { address }: Device): Promise<void> {
  const failed = afterFailure(user, clock.now())
  await tx.access.saveUser(failed)
  const action = isLocked(failed, clock.now()) ? 'user.locked' : 'user.login_failed'
  const facts = { failures: failed.failedLogins }
  await noteAct(tx.access, clock, { actor: 'unknown', action, subject: user.userId, address, facts })
}

/** The session's id is part of the token, so that a used one still leads to its session. */
function newRefreshToken(sessionId: SessionId, rng: Platform['rng']): string {
  return `${REFRESH_PREFIX}${sessionId.slice(SESSION_PREFIX.length)}_${toBase32(rng.bytes(32))}`
}

const SESSION_PREFIX = 'sess_'
const REFRESH_TOKEN = /^fogr_([0-9a-z]{26})_[0-9a-z]{52}$/

function sessionOf(refreshToken: string): SessionId | undefined {
  const id = SESSION_PREFIX + (REFRESH_TOKEN.exec(refreshToken)?.[1] ?? '')
  return isId('session', id) ? id : undefined
}
