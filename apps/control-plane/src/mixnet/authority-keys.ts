import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AuthorityIdentity, AuthorityKeys } from '@fog/betanet/directory'
import { vrfPublicKey } from '@fog/betanet/vrf'
import { fromBase64Url, type Rng, toBase64Url } from '@fog/kernel'
import { keyPairFromSeed } from '@fog/kernel/node'
import { MixnetError } from './mixnet-error.ts'

const SEED_BYTES = 32
/** Group and others. */
const OTHERS = 0o077

/** Keys in a file that nobody else may read. Throws `mixnet.keys_unusable`; undefined where there is no file. */
export async function readAuthorityKeys(path: string): Promise<AuthorityKeys | undefined> {
  const text = await readFile(path, 'utf8').catch((fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ENOENT') return undefined
    throw new MixnetError({ code: 'mixnet.keys_unusable', path, why: fault.message }, { cause: fault })
  })
  if (text === undefined) return undefined
  const { mode } = await stat(path)
  const isExposed = process.platform !== 'win32' && (mode & OTHERS) !== 0
  if (isExposed) throw new MixnetError({ code: 'mixnet.keys_unusable', path, why: 'others may read the file' })
  const keys = parseKeys(text)
  if (!keys) throw new MixnetError({ code: 'mixnet.keys_unusable', path, why: 'it does not hold two seeds' })
  return keys
}

/** Makes keys and writes them, durable when it returns. Keys that are there already are left as they are, and answered. */
export async function makeAuthorityKeys(path: string, rng: Rng): Promise<AuthorityKeys> {
  const seeds = { signingSeed: toBase64Url(rng.bytes(SEED_BYTES)), vrfSeed: toBase64Url(rng.bytes(SEED_BYTES)) }
  const text = `${JSON.stringify(seeds, undefined, 2)}\n`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault
  }
  return (await readAuthorityKeys(path))!
}

/** What others may know of them. */
export function identityOf({ signingKey, vrfSecretKey }: AuthorityKeys): AuthorityIdentity {
  return { signingKey, vrfKey: vrfPublicKey(vrfSecretKey) }
}

function parseKeys(text: string): AuthorityKeys | undefined {
  const { signingSeed, vrfSeed } = seedsIn(text)
  if (signingSeed?.length !== SEED_BYTES || vrfSeed?.length !== SEED_BYTES) return undefined
  const { publicKey: signingKey, secretKey: signingSecretKey } = keyPairFromSeed(signingSeed)
  return { signingKey, signingSecretKey, vrfSecretKey: vrfSeed }
}

function seedsIn(text: string): { readonly signingSeed?: Uint8Array; readonly vrfSeed?: Uint8Array } {
  try {
    const given = JSON.parse(text) as { readonly signingSeed?: unknown; readonly vrfSeed?: unknown }
    const [signingSeed, vrfSeed] = [given.signingSeed, given.vrfSeed].map((seed) =>
      typeof seed === 'string' ? fromBase64Url(seed) : undefined,
    )
    return { ...(signingSeed && { signingSeed }), ...(vrfSeed && { vrfSeed }) }
  } catch {
    return {}
  }
}
