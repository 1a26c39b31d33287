import { readFileSync } from 'node:fs'
import { toHex } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'

const FIXTURES = new URL('../../../../packages/idle/fixtures/', import.meta.url)

/** A compiled test program of `@fog/idle`. */
export function program(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.wasm`, FIXTURES)))
}

export function digestOf(bytes: Uint8Array): string {
  return toHex(sha256(bytes))
}
