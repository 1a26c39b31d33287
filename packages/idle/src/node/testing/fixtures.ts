import { readFileSync } from 'node:fs'

/** A compiled program of `fixtures/`, by name. For tests. */
export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../../fixtures/${name}.wasm`, import.meta.url)))
}
