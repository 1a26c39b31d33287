import { concat, utf8 } from '@fog/kernel'

/** What is signed of a document: its kind, a zero byte, its canonical bytes. A signature of one kind is none of another. */
export function signedBytes(label: string, body: Uint8Array): Uint8Array {
  return concat(utf8(label), Uint8Array.of(0), body)
}
