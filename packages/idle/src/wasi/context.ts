import type { Rng } from '@fog/kernel'
import type { Descriptors } from './descriptors.ts'
import type { FileTree } from './file-tree.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { OutputStream } from './output-stream.ts'
import type { StateFolder } from './state-folder.ts'
import type { TaskClock } from './task-clock.ts'

/** What the calls of one program act on. */
export interface WasiContext {
  readonly memory: GuestMemory
  readonly tree: FileTree
  readonly descriptors: Descriptors
  readonly clock: TaskClock
  readonly rng: Rng
  readonly args: readonly Uint8Array[]
  readonly env: readonly Uint8Array[]
  readonly stdin: { readonly bytes: Uint8Array; offset: number }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** Burns fuel for bytes the host moves on the program's behalf. */
  readonly charge: (bytes: number) => void
  /** Follows what is renamed into `/state`. */
  readonly state: StateFolder
}

/** Unwinds the program when it leaves by `proc_exit`. No Error: nothing went wrong. */
export class Exit {
  readonly code: number

  constructor(code: number) {
    this.code = code
  }
}
