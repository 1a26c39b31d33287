import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a small file so that after any crash either the old or the new content is there, whole. */
export function writeFileAtomically(file: string, text: string, mode: number): void {
  const draft = `${file}.new`
  const fd = openSync(draft, 'w', mode)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(draft, file)
  syncFolder(dirname(file))
}

/** Makes names in a folder durable. */
export function syncFolder(folder: string): void {
  // Windows has no such call on folders; its journal orders renames by itself.
  if (process.platform === 'win32') return
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
