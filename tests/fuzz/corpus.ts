import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The kept inputs of a target, by the names of their files. */
export function readCorpus(folder: string): Map<string, Uint8Array> {
  const names = existsSync(folder) ? readdirSync(folder).toSorted() : []
  return new Map(names.map((name) => [name, Uint8Array.from(readFileSync(join(folder, name)))]))
}

/** Makes the folder hold these inputs and no others. */
export function writeCorpus(folder: string, inputs: readonly Uint8Array[]): void {
  const wanted = new Map(inputs.map((input) => [nameOf(input), input]))
  mkdirSync(folder, { recursive: true })
  for (const name of readCorpus(folder).keys()) if (!wanted.has(name)) rmSync(join(folder, name))
  for (const [name, input] of wanted) if (!existsSync(join(folder, name))) writeFileSync(join(folder, name), input)
}

export function nameOf(input: Uint8Array): string {
  return `${createHash('sha256').update(input).digest('hex').slice(0, 16)}.bin`
}
