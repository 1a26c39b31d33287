import { FRAME_OVERHEAD_BYTES } from '../link/index.ts'

/** So many packets share a frame: one seal and one write for all of them, and no burst adds a millisecond of queueing. */
export const PACKETS_A_FRAME = 16

/** Frames ready to be filled, used again and again: at most `most` exist, written or waiting. */
export class FramePool {
  readonly frameBytes: number
  readonly #most: number
  readonly #free: Uint8Array[] = []
  #made = 0

  constructor({ packetBytes, most }: { readonly packetBytes: number; readonly most: number }) {
    this.frameBytes = FRAME_OVERHEAD_BYTES + PACKETS_A_FRAME * packetBytes
    this.#most = most
  }

  take(): Uint8Array | undefined {
    const frame = this.#free.pop()
    if (frame) return frame
    if (this.#made === this.#most) return undefined
    this.#made += 1
    return new Uint8Array(this.frameBytes)
  }

  give(frame: Uint8Array): void {
    this.#free.push(frame)
  }
}
