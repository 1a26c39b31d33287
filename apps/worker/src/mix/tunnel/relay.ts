import type { Duplex } from 'node:stream'

/** Passes bytes both ways until both ends have ended; what breaks on one side breaks the other. */
export function relay(near: Duplex, far: Duplex): void {
  near.pipe(far)
  far.pipe(near)
  near.on('error', () => far.destroy())
  far.on('error', () => near.destroy())
  // Gone without having read to the end: nobody is there for the rest.
  near.on('close', () => {
    if (!far.readableEnded) far.destroy()
  })
  far.on('close', () => {
    if (!near.writableEnded) near.destroy()
  })
}
