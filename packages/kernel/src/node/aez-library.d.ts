/** The part of AEZ v5 that is used; the package brings no types. */
declare module 'aez' {
  function encrypt(key: Buffer, nonce: Buffer, ad: null, expansionBytes: number, plain: Buffer): Buffer
  function decrypt(key: Buffer, nonce: Buffer, ad: null, expansionBytes: number, cipher: Buffer): Buffer | null
  const aez: { readonly encrypt: typeof encrypt; readonly decrypt: typeof decrypt }
  export default aez
}
