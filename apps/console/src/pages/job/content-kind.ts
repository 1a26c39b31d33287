import { isNetpbm } from '../../images/netpbm.ts'

/** What a browser can show of some bytes, told by how they begin, whatever their name. */
export function kindOf(bytes: Uint8Array): 'picture' | 'text' | 'other' {
  if (isNetpbm(bytes) || SIGNATURES.some((signature) => beginsWith(bytes, signature))) return 'picture'
  return isText(bytes) ? 'text' : 'other'
}

/** PNG, JPEG, GIF and BMP; WebP says RIFF first and is told by the four bytes after its size. */
const SIGNATURES: readonly (readonly (number | undefined)[])[] = [
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  [0xff, 0xd8, 0xff],
  [0x47, 0x49, 0x46, 0x38],
  [0x52, 0x49, 0x46, 0x46, undefined, undefined, undefined, undefined, 0x57, 0x45, 0x42, 0x50],
]
const LOOKED_AT = 8192

function beginsWith(bytes: Uint8Array, signature: readonly (number | undefined)[]): boolean {
  return signature.every((byte, at) => byte === undefined || bytes[at] === byte)
}

function isText(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, LOOKED_AT)
  if (head.includes(0)) return false
  try {
    // Streaming forgives a character cut in half at the end of what is looked at.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
    return true
  } catch {
    return false
  }
}

/** Text for reading: bytes that are none become the replacement character. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
