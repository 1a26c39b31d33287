import { FogError } from '@fog/kernel'

/** What an `AccessStore` refuses. */
export class AccessStoreError extends FogError<{ code: 'access.name_taken'; name: string }> {
  static override readonly texts = {
    'access.name_taken': {
      says: 'The name "{name}" is taken.',
      fix: 'Choose another.',
    },
  }
}
