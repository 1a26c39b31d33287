import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '../files.ts'

const NAME = /^consensus-(\d)\.json$/
/** As many as a directory client holds. */
const KEPT = 2

/** Consensuses over a restart, so that one who starts anew is not shown an older one. They are believed for their signatures only. */
export class KeptDocuments {
  readonly #folder: string
  #written = ''

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Oldest first. */
  read(): readonly Uint8Array[] {
    return this.#names().map((name) => new Uint8Array(readFileSync(join(this.#folder, name))))
  }

  /** Keeps these, the oldest first, unless they are there already. */
  write(documents: readonly Uint8Array[]): void {
    const held = documents.slice(-KEPT).map((bytes) => Buffer.from(bytes).toString())
    const written = held.join('\n')
    if (written === this.#written) return
    for (const [i, text] of held.entries()) writeFileAtomically(join(this.#folder, `consensus-${i}.json`), text, 0o600)
    for (const name of this.#names().slice(held.length)) rmSync(join(this.#folder, name))
    this.#written = written
  }

  #names(): string[] {
    return readdirSync(this.#folder)
      .filter((name) => NAME.test(name))
      .sort()
  }
}
