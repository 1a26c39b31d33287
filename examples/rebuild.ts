import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Debian's clang 14.0.6 with its wasi-libc made the committed programs; another compiler makes other bytes. */
const COMMITTED_BY = 'clang version 14.0.6'

/** Whether this machine can prove that a committed program is its source, compiled. */
export function hasCommittedCompiler(): boolean {
  const needed = ['/usr/bin/clang', '/usr/bin/wasm-ld', '/usr/include/wasm32-wasi']
  return needed.every(existsSync) && execFileSync('clang', ['--version'], { encoding: 'utf8' }).includes(COMMITTED_BY)
}

/** Runs an example's build.sh into a folder of its own and gives the module. */
export function rebuild(exampleFolder: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'fog-example-'))
  try {
    execFileSync(join(exampleFolder, 'build.sh'), [join(folder, 'program.wasm')], { stdio: 'pipe' })
    return new Uint8Array(readFileSync(join(folder, 'program.wasm')))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
