import type { Instant } from '@fog/kernel'
import type { User } from '../ports.ts'

/** Failures that cost nothing: people mistype. */
export const FREE_FAILURES = 4
export const FIRST_LOCK_MS = 30_000
/** NIST SP 800-63B, 5.2.2 asks for throttling; a longer lock would only help whoever wants to lock others out. */
export const LONGEST_LOCK_MS = 15 * 60_000

/** Whether log-ins are refused just now, right password or not. */
export function isLocked(user: User, now: Instant): boolean {
  return user.lockedUntil !== undefined && now < user.lockedUntil
}

/** One more failed log-in: from the fifth on each locks twice as long as the one before, up to 15 minutes. */
export function afterFailure(user: User, now: Instant): User {
  const failedLogins = user.failedLogins + 1
  const locks = failedLogins - FREE_FAILURES
  if (locks <= 0) return { ...user, failedLogins }
  // The exponent is bounded: 2^20 half minutes are far beyond the longest lock already.
  const lockMs = Math.min(FIRST_LOCK_MS * 2 ** Math.min(locks - 1, 20), LONGEST_LOCK_MS)
  return { ...user, failedLogins, lockedUntil: now + lockMs }
}

/** As if nothing had failed. */
export function unlocked(user: User): User {
  const { lockedUntil: _, ...rest } = user
  return { ...rest, failedLogins: 0 }
}
