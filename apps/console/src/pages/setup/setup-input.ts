/** The setup code in `#code=…`: behind the hash it never reaches a server's log. */
export function codeFromHash(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, '')).get('code') ?? ''
}

/** What is wrong with a name to log in with, as the contract wants it; undefined when nothing is. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'Choose a name.'
  if (/^[a-z0-9][a-z0-9._-]{1,38}$/.test(name)) return undefined
  return 'Use 2 to 39 lower-case letters, digits, dots, dashes or underscores, the first a letter or digit.'
}

export function passwordProblem(password: string): string | undefined {
  if (password.length < 10) return 'Use at least 10 characters.'
  return password.length > 200 ? 'Use at most 200 characters.' : undefined
}
