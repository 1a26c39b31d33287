/** The setup code in `#code=…`: behind the hash it never reaches a server's log. */
export function codeFromHash(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, '')).get('code') ?? ''
}
