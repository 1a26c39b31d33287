import { ERRNO, refuse } from './errno.ts'

/** What one task may take, beyond its linear memory. */
export interface WasiLimits {
  /** Bytes of all files it writes, in every folder, at one time. */
  readonly diskBytes: number
  /** Files, folders and links it makes, at one time. */
  readonly files: number
  readonly openFiles: number
  /** Past these a stream is cut with a notice; the task goes on. */
  readonly stdoutBytes: number
  readonly stderrBytes: number
}

export const DEFAULT_WASI_LIMITS: WasiLimits = {
  diskBytes: 256 * 1024 * 1024,
  files: 10_000,
  openFiles: 256,
  stdoutBytes: 16 * 1024 * 1024,
  stderrBytes: 1024 * 1024,
}

/** A limit that a program ran into and whose results are therefore not whole. */
export type ExceededLimit = 'disk' | 'files'

/** Counts what the file tree holds against its limits and remembers the first that was hit. */
export class Quota {
  readonly #limits: WasiLimits
  #bytes = 0
  #files = 0
  #peakBytes = 0
  #exceeded: ExceededLimit | undefined

  constructor(limits: WasiLimits) {
    this.#limits = limits
  }

  get exceeded(): ExceededLimit | undefined {
    return this.#exceeded
  }

  get peakBytes(): number {
    return this.#peakBytes
  }

  /** Takes `bytes` more, or gives back when negative. Full is ENOSPC. */
  takeBytes(bytes: number): void {
    if (bytes > 0 && this.#bytes + bytes > this.#limits.diskBytes) {
      this.#exceeded ??= 'disk'
      refuse(ERRNO.nospc)
    }
    this.#bytes += bytes
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes)
  }

  /** Takes room for one more file. Full is EDQUOT. */
  takeFile(): void {
    if (this.#files >= this.#limits.files) {
      this.#exceeded ??= 'files'
      refuse(ERRNO.dquot)
    }
    this.#files++
  }

  giveFileBack(): void {
    this.#files--
  }
}
