import { type AccountId, type Amount, newId, type UserId } from '@fog/kernel'
import { Ledger } from '@fog/tokenomics'
import type { Platform } from '../platform.ts'
import type { AccessStore, Role, Transaction, User } from '../ports.ts'
import type { Access } from './access.ts'
import { noteAct } from './audit.ts'
import type { KnownCaller } from './known-caller.ts'
import { AccessError } from './errors.ts'
import { unlocked } from './lockout.ts'

export interface NewUser {
  readonly name: string
  readonly password: string
  readonly role: Role
  /** Minted into the new account. */
  readonly grant?: Amount | undefined
}

/** Adds a user with an account of their own. Throws `access.name_taken`. */
export async function addUser(platform: Platform, access: Access, caller: KnownCaller, wanted: NewUser): Promise<User> {
  const passwordHash = await access.passwords.hash(wanted.password)
  return platform.database.transact(async (tx) => {
    const user = await openUser(tx, platform, { ...wanted, passwordHash })
    const { userId: actor, address } = caller
    const facts = { name: user.name, role: user.role }
    await noteAct(tx.access, platform.clock, { actor, action: 'user.added', subject: user.userId, address, facts })
    return user
  })
}

/** Writes a user, the account and the grant. Money last: its lock is short. */
export async function openUser(
  tx: Transaction,
  { clock, rng }: Pick<Platform, 'clock' | 'rng'>,
  wanted: Pick<NewUser, 'name' | 'role' | 'grant'> & { readonly passwordHash: string },
): Promise<User> {
  const now = clock.now()
  const accountId: AccountId = newId('account', now, rng)
  const { name, role, grant, passwordHash } = wanted
  await refuseTaken(tx.access, name)
  const user: User = {
    userId: newId('user', now, rng),
    name,
    role,
    accountId,
    passwordHash,
    status: 'active',
    failedLogins: 0,
    createdAt: now,
  }
  const ledger = new Ledger({ store: tx.ledger, clock })
  await ledger.openAccount({ accountId, name })
  await tx.access.addUser(user)
  if (grant)
    await ledger.mint({ transferId: newId('transfer', now, rng), accountId, amount: grant, reference: 'first grant' })
  return user
}

export interface UserChange {
  readonly status?: User['status'] | undefined
  readonly role?: Role | undefined
  readonly password?: string | undefined
  /** Forgets failed log-ins. */
  readonly unlock?: true | undefined
}

/**
 * Changes a user; one who is disabled or given a new password is logged out everywhere. Undefined where there is none.
 * Throws `access.last_admin` rather than leave a fog nobody can run.
 */
export async function changeUser(
  platform: Platform,
  access: Access,
  caller: KnownCaller,
  userId: UserId,
  change: UserChange,
): Promise<User | undefined> {
  const passwordHash = change.password === undefined ? undefined : await access.passwords.hash(change.password)
  return platform.database.transact(async (tx) => {
    const admins = await lockAdmins(tx.access)
    const user = await tx.access.findUserForUpdate(userId)
    if (!user) return undefined
    const changed = changedUser(user, change, passwordHash)
    if (isActiveAdmin(user) && !isActiveAdmin(changed) && admins.length <= 1) {
      throw new AccessError({ code: 'access.last_admin' })
    }
    await tx.access.saveUser(changed)
    if (changed.status === 'disabled' || passwordHash) await tx.access.endSessions(userId, platform.clock.now())
    await noteChange(tx.access, platform, caller, userId, change)
    return changed
  })
}

/** Sets the caller's own password and ends all their log-ins but this one. Throws `access.password_wrong`. */
export async function changePassword(
  { database, clock }: Platform,
  access: Access,
  caller: KnownCaller,
  { current, next }: { readonly current: string; readonly next: string },
): Promise<void> {
  const before = await database.read.access.findUser(caller.userId)
  if (!(await access.passwords.check(before?.passwordHash, current))) {
    throw new AccessError({ code: 'access.password_wrong' })
  }
  const passwordHash = await access.passwords.hash(next)
  await database.transact(async (tx) => {
    const user = await tx.access.findUserForUpdate(caller.userId)
    // Changed by somebody else in between: what was proved is no longer the password.
    if (user?.passwordHash !== before?.passwordHash || !user) throw new AccessError({ code: 'access.password_wrong' })
    await tx.access.saveUser({ ...unlocked(user), passwordHash })
    await endOthers(tx.access, caller, clock.now())
    const { userId, address } = caller
    await noteAct(tx.access, clock, { actor: userId, action: 'user.password_changed', subject: userId, address })
  })
}

/** Throws `access.name_taken`. The store's own check stands behind it, for two who come at once. */
export async function refuseTaken(access: AccessStore, name: string): Promise<void> {
  if (await access.findUserByName(name)) throw new AccessError({ code: 'access.name_taken', name })
}

async function endOthers(access: AccessStore, caller: KnownCaller, now: number): Promise<void> {
  const kept = caller.sessionId && (await access.findSessionForUpdate(caller.sessionId))
  await access.endSessions(caller.userId, now)
  if (kept) await access.saveSession(kept)
}

function changedUser(user: User, change: UserChange, passwordHash: string | undefined): User {
  const base = change.unlock || passwordHash ? unlocked(user) : user
  return {
    ...base,
    status: change.status ?? user.status,
    role: change.role ?? user.role,
    passwordHash: passwordHash ?? user.passwordHash,
  }
}

function isActiveAdmin(user: User): boolean {
  return user.role === 'admin' && user.status === 'active'
}

/** Locked in the order of ids, so that two admins who disable each other at once do not both succeed. */
async function lockAdmins(access: AccessStore): Promise<User[]> {
  const admins: User[] = []
  for (let after: UserId | undefined; ;) {
    const page = await access.listUsers({ after, limit: 1000 })
    for (const user of page.filter(isActiveAdmin)) {
      const locked = await access.findUserForUpdate(user.userId)
      if (locked && isActiveAdmin(locked)) admins.push(locked)
    }
    after = page.at(-1)?.userId
    if (page.length < 1000 || after === undefined) return admins
  }
}

async function noteChange(
  access: AccessStore,
  { clock }: Platform,
  { userId: actor, address }: KnownCaller,
  subject: UserId,
  change: UserChange,
): Promise<void> {
  const facts = {
    ...(change.status && { status: change.status }),
    ...(change.role && { role: change.role }),
    ...(change.unlock && { unlocked: true }),
    ...(change.password !== undefined && { passwordSet: true }),
  }
  await noteAct(access, clock, { actor, action: 'user.changed', subject, address, facts })
}
