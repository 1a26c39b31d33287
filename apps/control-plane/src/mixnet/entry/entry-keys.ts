import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type DhKeyPair, fromHex, type Rng, toHex } from '@fog/kernel'
import { x25519Base, X25519_BYTES } from '@fog/kernel/node'
import type { Platform } from '../../platform.ts'
import { MixnetError } from '../mixnet-error.ts'

const KEPT_ADDRESS = 'mixnet.entry'
/** Group and others. */
const OTHERS = 0o077

/** The control plane's address in the mixnet, and the keys to it where they are here. */
export interface EntryIdentity {
  /** The public key, 64 hex digits: what clients pin. */
  readonly address: string
  /** Undefined where another control plane has them: then this one never answers there. */
  readonly keys: DhKeyPair | undefined
}

/**
 * Finds the entry's keys, or makes them at the very first start. The address is kept in the database: all control planes on it tell
 * the same one, and only who has its keys serves it. Throws `mixnet.keys_unusable`.
 */
export async function findEntry({ database, rng }: Platform, keyFile: string): Promise<EntryIdentity> {
  const kept = await database.read.access.kept(KEPT_ADDRESS)
  const own = (await readKeys(keyFile)) ?? (kept === undefined ? await makeKeys(keyFile, rng) : undefined)
  const ownAddress = own && toHex(own.publicKey)
  const address = kept ?? (await database.transact(({ access }) => access.keep(KEPT_ADDRESS, ownAddress!)))
  return { address, keys: address === ownAddress ? own : undefined }
}

async function readKeys(path: string): Promise<DhKeyPair | undefined> {
  const unusable = (why: string, cause?: unknown) =>
    new MixnetError({ code: 'mixnet.keys_unusable', path, why }, { cause })
  const text = await readFile(path, 'utf8').catch((fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ENOENT') return undefined
    throw unusable(fault.message, fault)
  })
  if (text === undefined) return undefined
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) throw unusable('others may read the file')
  const secretKey = secretIn(text)
  if (secretKey?.length !== X25519_BYTES) throw unusable('it does not hold a secret key')
  const publicKey = Buffer.alloc(X25519_BYTES)
  x25519Base(publicKey, Buffer.from(secretKey))
  return { publicKey: Uint8Array.from(publicKey), secretKey }
}

/** Keys that are there already are left as they are, and answered. */
async function makeKeys(path: string, rng: Rng): Promise<DhKeyPair> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ entrySecret: toHex(rng.bytes(X25519_BYTES)) }, undefined, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault
  }
  return (await readKeys(path))!
}

function secretIn(text: string): Uint8Array | undefined {
  try {
    const { entrySecret } = JSON.parse(text) as { readonly entrySecret?: unknown }
    return typeof entrySecret === 'string' ? fromHex(entrySecret) : undefined
  } catch {
    return undefined
  }
}
