import { toHex } from '@fog/kernel'

/** The browser's own hashing wants everything at once; above this a file is read piece by piece. */
const AT_ONCE_BYTES = 64 * 1024 * 1024

/** SHA-256 of a file, hex. Pages that are not secure, and large files, use a library fetched only then. */
export async function hashFile(file: Blob): Promise<string> {
  if (file.size <= AT_ONCE_BYTES && globalThis.crypto.subtle) {
    return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer())))
  }
  return hashInPieces(file)
}

/** The same without the browser's help. */
export async function hashInPieces(file: Blob): Promise<string> {
  const { sha256 } = await import('@noble/hashes/sha2.js')
  const hash = sha256.create()
  const reader = file.stream().getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return toHex(hash.digest())
    hash.update(value)
  }
}

/** BLAKE2b of the parts one after another, `length` bytes. No browser has it, so it is fetched. */
export async function blake2b(length: number, ...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const { blake2b: made } = await import('@noble/hashes/blake2.js')
  const hash = made.create({ dkLen: length })
  for (const part of parts) hash.update(part)
  return hash.digest()
}
