import { readFileSync } from 'node:fs'
import { fromHex, type Rng, toHex } from '@fog/kernel'
import { writeFileAtomically } from '../files.ts'
import { MixError, whyOf } from './mix-error.ts'

const SECRET_BYTES = 32
const VERSION = 1

/**
 * Reads secrets of 32 bytes by their names from a file of this owner's alone, or makes them at the very first start. Throws
 * `mix.keys_unreadable` for a file that is there and is not whole: new keys would be another node.
 */
export function openSecrets<const Name extends string>(
  file: string,
  names: readonly Name[],
  rng: Rng,
): Readonly<Record<Name, Uint8Array>> {
  return readSecrets(file, names) ?? makeSecrets(file, names, rng)
}

function readSecrets<Name extends string>(file: string, names: readonly Name[]): Record<Name, Uint8Array> | undefined {
  try {
    const { version, ...texts } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    const secrets = names.map((name) => {
      const text = texts[name]
      const secret = typeof text === 'string' ? fromHex(text) : undefined
      if (secret?.length !== SECRET_BYTES) throw new Error(`"${name}" is no key of 32 bytes in hex`)
      return [name, secret] as const
    })
    if (version !== VERSION) throw new Error(`it is of version ${String(version)}`)
    return Object.fromEntries(secrets) as Record<Name, Uint8Array>
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new MixError({ code: 'mix.keys_unreadable', file, why: whyOf(fault) }, { cause: fault })
  }
}

function makeSecrets<Name extends string>(file: string, names: readonly Name[], rng: Rng): Record<Name, Uint8Array> {
  const secrets = Object.fromEntries(names.map((name) => [name, rng.bytes(SECRET_BYTES)])) as Record<Name, Uint8Array>
  const texts = Object.fromEntries(names.map((name) => [name, toHex(secrets[name])]))
  writeFileAtomically(file, `${JSON.stringify({ version: VERSION, ...texts }, undefined, 2)}\n`, 0o600)
  return secrets
}
