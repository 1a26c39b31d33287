import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type UserId } from '@fog/kernel'
import { Ledger } from '@fog/tokenomics'
import type { Platform } from '../platform.ts'
import type { AccessStore, Transaction, User } from '../ports.ts'
import type { Access } from './access.ts'
import { noteAct } from './audit.ts'
import { AccessError } from './errors.ts'
import { NO_PASSWORD } from './passwords.ts'
import { scopesOf } from './scopes.ts'
import { hashSecret, sameSecret } from './secrets.ts'
import { type Device, issue, type IssuedSession, openSession } from './sessions.ts'
import { isGoodToken, openToken } from './tokens.ts'
import { openUser, refuseTaken } from './users.ts'

/** Under which the first admin's id is kept. */
const FIRST_ADMIN = 'first-admin'
/** Until it is chosen at set-up. */
const FIRST_NAME = 'admin'

/**
 * Makes sure there is a first admin, with an account and the first grant. Answers the set-up code while nobody has used
 * it yet, so that each start can print the link again.
 */
export async function ensureFirstAdmin(platform: Platform, access: Access): Promise<string | undefined> {
  const admin = (await findFirstAdmin(platform.database.read.access)) ?? (await makeOrFindFirstAdmin(platform))
  return isWaiting(admin) ? access.setupCode : undefined
}

/** Whether the first admin is still to choose a name and a password. */
export async function isSetupNeeded({ database }: Platform): Promise<boolean> {
  const admin = await findFirstAdmin(database.read.access)
  return !admin || isWaiting(admin)
}

export interface Setup extends Device {
  readonly code: string
  readonly name: string
  readonly password: string
}

/** Gives the first admin a name and a password, once, and logs them in. Throws `access.setup_refused`. */
export async function setUp(
  platform: Platform,
  access: Access,
  { code, name, password, ...device }: Setup,
): Promise<IssuedSession> {
  if (!sameSecret(code.trim().toLowerCase(), access.setupCode)) throw new AccessError({ code: 'access.setup_refused' })
  const passwordHash = await access.passwords.hash(password)
  const opened = await platform.database.transact(async (tx) => {
    const first = await findFirstAdmin(tx.access)
    const admin = first && (await tx.access.findUserForUpdate(first.userId))
    if (!admin || !isWaiting(admin)) throw new AccessError({ code: 'access.setup_refused' })
    if (name !== admin.name) await refuseTaken(tx.access, name)
    const ready: User = { ...admin, name, passwordHash }
    await tx.access.saveUser(ready)
    await noteAct(tx.access, platform.clock, {
      ...device,
      actor: ready.userId,
      action: 'setup.done',
      subject: ready.userId,
    })
    return openSession(tx, platform, ready, device)
  })
  return issue(access, opened)
}

/**
 * The key of the command line on this machine: an API token of the first admin with every scope, in `local.json` of the
 * data folder, readable by its owner only. Made again when the file is gone or its token no longer good.
 */
export async function localToken(
  platform: Platform,
  { dataDir, url }: { readonly dataDir: string; readonly url: string },
): Promise<string> {
  const path = join(dataDir, 'local.json')
  const token = (await goodTokenIn(platform, path)) ?? (await makeLocalToken(platform, dataDir))
  await mkdir(dataDir, { recursive: true })
  // Written whole beside it first: whoever reads meanwhile sees the old file or the new one.
  const draft = `${path}.${process.pid}`
  await writeFile(draft, `${JSON.stringify({ url, token }, undefined, 2)}\n`, { mode: 0o600 })
  await chmod(draft, 0o600)
  await rename(draft, path)
  return token
}

async function goodTokenIn({ database, clock }: Platform, path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '{}')
  const token = tokenIn(text)
  if (token === undefined) return undefined
  const found = await database.read.access.findTokenByHash(hashSecret(token))
  return isGoodToken(found, clock.now()) ? token : undefined
}

function tokenIn(text: string): string | undefined {
  try {
    const { token } = JSON.parse(text) as { token?: unknown }
    return typeof token === 'string' ? token : undefined
  } catch {
    return undefined
  }
}

async function makeLocalToken(platform: Platform, dataDir: string): Promise<string> {
  const name = `this machine: ${hostname()} ${dataDir}`.slice(0, 100)
  return platform.database.transact(async (tx) => {
    const first = await findFirstAdmin(tx.access)
    const admin = first && (await tx.access.findUserForUpdate(first.userId))
    if (!admin) throw new AccessError({ code: 'access.setup_refused' })
    // Whoever has the lost file must not keep the key.
    for (const old of await tx.access.listTokens(admin.userId)) {
      if (old.name === name && old.revokedAt === undefined) {
        await tx.access.saveToken({ ...old, revokedAt: platform.clock.now() })
      }
    }
    const wanted = { name, userId: admin.userId, scopes: scopesOf(admin.role), address: 'local' }
    return (await openToken(tx, platform, wanted)).secret
  })
}

function isWaiting(admin: User): boolean {
  return admin.passwordHash === NO_PASSWORD
}

async function findFirstAdmin(access: AccessStore): Promise<User | undefined> {
  const userId = await access.kept(FIRST_ADMIN)
  return userId === undefined ? undefined : access.findUser(userId as UserId)
}

async function makeOrFindFirstAdmin(platform: Platform): Promise<User> {
  try {
    return await platform.database.transact((tx) => makeFirstAdmin(tx, platform))
  } catch (fault) {
    // Another control plane that started at the same time was faster: theirs is the one.
    const theirs = await findFirstAdmin(platform.database.read.access)
    if (theirs) return theirs
    throw fault
  }
}

async function makeFirstAdmin(tx: Transaction, platform: Platform): Promise<User> {
  await new Ledger({ store: tx.ledger, clock: platform.clock }).openSystemAccounts()
  const grant = platform.config.prices.firstGrant
  const admin = await openUser(tx, platform, { name: FIRST_NAME, role: 'admin', grant, passwordHash: NO_PASSWORD })
  const kept = await tx.access.keep(FIRST_ADMIN, admin.userId)
  // One fog has one first admin; a second is taken back with its transaction.
  if (kept !== admin.userId) throw new AccessError({ code: 'access.name_taken', name: FIRST_NAME })
  await noteAct(tx.access, platform.clock, {
    actor: 'system',
    action: 'user.added',
    subject: admin.userId,
    address: 'local',
    facts: { name: admin.name, role: admin.role },
  })
  return admin
}
