import { FogError } from '@fog/kernel'

/** Why content is not taken. Nothing of it is kept then. */
export class BlobError extends FogError<
  { code: 'blob.too_large'; maxBytes: number } | { code: 'blob.hash_mismatch'; expected: string; actual: string }
> {
  static override readonly texts = {
    'blob.too_large': {
      says: 'The content is larger than the {maxBytes} bytes allowed here.',
      fix: 'Send less, split it, or ask an admin to raise the limit.',
    },
    'blob.hash_mismatch': {
      says: 'The content has the hash {actual}, not {expected} as named.',
      fix: 'Send the content again; it changed on the way or while it was read.',
    },
  }
}
