import type { Clock, Rng } from '@fog/kernel'
import type { Database } from '../ports.ts'
import { newSecret } from './secrets.ts'
import { setupCodeOf } from './setup-code.ts'
import { Passwords } from './passwords.ts'
import { sharedSeed, Signer } from './signer.ts'

/** What letting people and nodes in needs beside the platform. */
export interface Access {
  readonly passwords: Passwords
  readonly signer: Signer
  /** Good as long as the first admin has no password. */
  readonly setupCode: string
}

/** Opens the door: the signing key is read, or made at the very first start. */
export async function openAccess({
  database,
  clock,
  rng,
}: {
  readonly database: Database
  readonly clock: Clock
  readonly rng: Rng
}): Promise<Access> {
  const seed = await sharedSeed(database, rng)
  return {
    passwords: await Passwords.open(newSecret('', rng)),
    signer: await Signer.open(seed, clock),
    setupCode: setupCodeOf(seed),
  }
}
